//! `explore.html`: one page that needs nothing else, no network and no script.

use std::fmt::Write;

use shared::exploration::{Exploration, Figures, Method, Outcome, Space};

use super::chart::{self, Line, Mark};
use super::table;

const STYLE: &str = include_str!("page.css");

/// A measure: its name, what it says, and how it is read off.
struct Measure {
    name: &'static str,
    help: &'static str,
    of: fn(&Figures) -> Option<f64>,
}

const MEASURES: [Measure; 6] = [
    Measure {
        name: "Silhouette",
        help: "How much nearer customers are to their own group than to the next: higher is better.",
        of: |f| f.silhouette,
    },
    Measure {
        name: "Stability",
        help: "Mean adjusted Rand index with refits on 80% of the customers: 1 is the same groups every time.",
        of: |f| f.stability.map(|s| s.mean),
    },
    Measure {
        name: "Inertia",
        help: "Squared distances to the groups' centroids, summed: it always falls; look for the bend.",
        of: |f| Some(f.inertia),
    },
    Measure {
        name: "Davies-Bouldin",
        help: "Groups' radii over the distance to the worst neighbour: lower is better.",
        of: |f| f.davies_bouldin,
    },
    Measure {
        name: "Calinski-Harabasz",
        help: "Variance between groups over variance within them: higher is better.",
        of: |f| f.calinski_harabasz,
    },
    Measure {
        name: "Eta squared",
        help: "Share of the variance of log revenue between the groups: higher is better, and it can be compared from one space to another.",
        of: |f| Some(f.eta_squared),
    },
];

/// The page.
pub(super) fn html(found: &Exploration) -> String {
    let mut page = String::new();
    // Writing to a String can't fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>How many segments</title><style>{STYLE}</style></head><body><main>\
         <h1>How many segments</h1>"
    );
    if let Some(recommended) = &found.recommendation {
        let _ = write!(
            page,
            "<p class=\"lead\"><strong>{}</strong> {}</p>",
            recommended.k,
            escape(&without_number(&recommended.reason, recommended.k))
        );
    }
    let _ = write!(page, "<p>{}.</p>", escape(&table::seen(found)));
    best(&mut page, found);
    legend(&mut page, found);
    for space in Space::ALL {
        section(&mut page, found, space);
    }
    page.push_str("</main></body></html>\n");
    page
}

/// The reason begins with the number, which the page has in large.
fn without_number(reason: &str, k: usize) -> String {
    let rest = reason.strip_prefix(&k.to_string()).unwrap_or(reason);
    rest.trim_start().to_owned()
}

fn best(page: &mut String, found: &Exploration) {
    page.push_str(
        "<section aria-labelledby=\"best\"><h2 id=\"best\">The best of each</h2>\
         <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"The best of each\"><table><thead><tr>\
         <th scope=\"col\">space</th><th scope=\"col\">method</th><th scope=\"col\">k</th>\
         <th scope=\"col\">elbow</th>",
    );
    columns(page);
    for curve in &found.curves {
        let choice = &curve.choice;
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"text\">{}</td><td>{}</td><td>{}</td>",
            curve.space.name(),
            curve.method.name(),
            choice.k,
            choice.elbow.map_or("-".to_owned(), |k| k.to_string())
        );
        match found.figures(curve.space, curve.method, choice.k) {
            Some(figures) => cells(page, figures),
            None => page.push_str("<td colspan=\"8\"></td>"),
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div></section>");
}

fn columns(page: &mut String) {
    for name in [
        "silhouette",
        "stability",
        "lowest",
        "inertia",
        "Davies-Bouldin",
        "Calinski-Harabasz",
        "eta squared",
        "smallest",
    ] {
        let _ = write!(page, "<th scope=\"col\">{name}</th>");
    }
    page.push_str("</tr></thead><tbody>");
}

fn cells(page: &mut String, figures: &Figures) {
    for number in table::numbers(figures) {
        let _ = write!(page, "<td>{number}</td>");
    }
    let _ = write!(page, "<td>{}</td>", figures.smallest);
}

fn legend(page: &mut String, found: &Exploration) {
    page.push_str("<ul class=\"legend\" aria-label=\"Lines of the charts\">");
    let shapes = [
        "<circle cx=\"14\" cy=\"8\" r=\"4\"/>",
        "<path d=\"M10 4h8v8h-8z\"/>",
        "<path d=\"M14 3l5 9h-10z\"/>",
    ];
    for (number, (method, shape)) in Method::ALL.into_iter().zip(shapes).enumerate() {
        let _ = write!(
            page,
            "<li><svg viewBox=\"0 0 28 16\" aria-hidden=\"true\"><g class=\"m{number}\">\
             <path class=\"line\" d=\"M0 8H28\"/>{shape}</g></svg>{}</li>",
            method.name()
        );
    }
    for mark in marks(found, Space::Embedding) {
        let _ = write!(
            page,
            "<li><svg viewBox=\"0 0 28 16\" aria-hidden=\"true\"><path class=\"mark {}\" \
             d=\"M14 0V16\"/></svg>{}</li>",
            mark.class,
            escape(&mark.text)
        );
    }
    page.push_str("</ul>");
}

/// The recommended number in the product's own space, and the current one.
fn marks(found: &Exploration, space: Space) -> Vec<Mark> {
    let explored = |k: &usize| found.plan.k.from <= *k && *k <= found.plan.k.to;
    let mut marks = Vec::new();
    if let (Space::Embedding, Some(recommended)) = (space, &found.recommendation) {
        let k = recommended.k;
        let same = k == found.current;
        let what = if same {
            "recommended and current"
        } else {
            "recommended"
        };
        marks.push(Mark {
            k,
            text: format!("{what}: {k}"),
            class: "recommended",
        });
        if same {
            return marks;
        }
    }
    marks.extend(Some(found.current).filter(explored).map(|k| Mark {
        k,
        text: format!("current: {k}"),
        class: "current",
    }));
    marks
}

fn section(page: &mut String, found: &Exploration, space: Space) {
    let name = space.name();
    let note = match space {
        Space::Embedding => {
            "The two dimensions in which the segments are made: UMAP on the leaves of the forest."
        }
        Space::Features => "The four features that the models take, each brought to 0..1.",
        Space::Pca => "The first two principal components of the scaled features.",
    };
    let _ = write!(
        page,
        "<section aria-labelledby=\"{name}\"><h2 id=\"{name}\">{name}</h2><p>{note}</p>\
         <div class=\"charts\">"
    );
    for (number, measure) in MEASURES.iter().enumerate() {
        let lines: Vec<Line> = Method::ALL
            .into_iter()
            .map(|method| Line {
                name: method.name(),
                points: found
                    .curve(space, method)
                    .iter()
                    .map(|cell| (cell.k, cell.figures().and_then(measure.of)))
                    .collect(),
            })
            .collect();
        let id = format!("{name}-{number}");
        let title = format!("{} in {name}", measure.name);
        let drawn = chart::svg(&id, &title, measure.help, &lines, &marks(found, space));
        let _ = write!(
            page,
            "<figure><figcaption><strong>{}</strong> {}</figcaption>{drawn}</figure>",
            measure.name,
            escape(measure.help)
        );
    }
    page.push_str("</div>");
    for method in Method::ALL {
        figures(page, found, space, method);
    }
    page.push_str("</section>");
}

fn figures(page: &mut String, found: &Exploration, space: Space, method: Method) {
    let title = format!("{}, {}", space.name(), method.name());
    let _ = write!(
        page,
        "<details open><summary>{title}</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" \
         aria-label=\"{title}\"><table><caption>{title}</caption><thead><tr>\
         <th scope=\"col\">k</th>"
    );
    columns(page);
    for cell in found.curve(space, method) {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", cell.k);
        match &cell.outcome {
            Outcome::Figures(figures) => cells(page, figures),
            Outcome::Failed(reason) => {
                let reason = escape(reason);
                let _ = write!(
                    page,
                    "<td class=\"text\" colspan=\"8\">no fit: {reason}</td>"
                );
            }
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></div></details>");
}

/// Text as HTML and attributes hold it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place() {
        assert_eq!(
            escape("<script a='1' b=\"2\">&</script>"),
            "&lt;script a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;&lt;/script&gt;"
        );
        assert_eq!(without_number("11 segments: of", 11), "segments: of");
    }
}
