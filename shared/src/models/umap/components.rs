//! Connected components of a graph.

use super::fuzzy::Graph;

/// A connected part of a graph with vertices of its own numbering.
pub(super) struct Component {
    /// Its vertices in the whole graph, ascending.
    pub(super) vertices: Vec<u32>,
    graph: Graph,
}

impl Component {
    pub(super) fn n(&self) -> usize {
        self.vertices.len()
    }

    /// The other ends (in the component's numbering) and weights of a vertex's edges.
    pub(super) fn edges(&self, vertex: usize) -> impl Iterator<Item = (usize, f64)> {
        let edges = self.graph.edges(vertex);
        edges.map(|(end, weight)| (end as usize, f64::from(weight)))
    }

    /// A graph that is connected as a whole.
    pub(super) fn complete(graph: Graph) -> Self {
        Self {
            vertices: (0..graph.n() as u32).collect(),
            graph,
        }
    }
}

/// The components in the order of their lowest vertices.
pub(super) fn components(graph: &Graph) -> Vec<Component> {
    let n = graph.n();
    let mut label = vec![u32::MAX; n];
    let mut members: Vec<Vec<u32>> = Vec::new();
    for first in 0..n {
        if label[first] != u32::MAX {
            continue;
        }
        let own = members.len() as u32;
        let mut vertices = vec![first as u32];
        label[first] = own;
        let mut seen = 0;
        while let Some(&vertex) = vertices.get(seen) {
            seen += 1;
            for (end, _) in graph.edges(vertex as usize) {
                if label[end as usize] == u32::MAX {
                    label[end as usize] = own;
                    vertices.push(end);
                }
            }
        }
        vertices.sort_unstable();
        members.push(vertices);
    }
    let mut local = vec![0_u32; n];
    for vertices in &members {
        for (i, &vertex) in vertices.iter().enumerate() {
            local[vertex as usize] = i as u32;
        }
    }
    let rows = |vertices: &[u32]| {
        Graph::from_rows(vertices.iter().map(|&vertex| {
            let edges = graph.edges(vertex as usize);
            edges
                .map(|(end, weight)| (local[end as usize], weight))
                .collect()
        }))
    };
    members
        .into_iter()
        .map(|vertices| Component {
            graph: rows(&vertices),
            vertices,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_and_renumbered() {
        let rows = [
            vec![(2, 1.0)],
            vec![],
            vec![(0, 1.0), (3, 0.5)],
            vec![(2, 0.5)],
        ];
        let parts = components(&Graph::from_rows(rows.into_iter()));
        let vertices: Vec<&[u32]> = parts.iter().map(|p| p.vertices.as_slice()).collect();
        assert_eq!(vertices, [&[0, 2, 3][..], &[1]]);
        assert_eq!(parts[0].edges(1).collect::<Vec<_>>(), [(0, 1.0), (2, 0.5)]);
        assert_eq!(parts[1].edges(0).count(), 0);
    }
}
