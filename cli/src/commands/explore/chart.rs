//! One measure over the number of groups, a line a method, as inline SVG.

use std::fmt::Write;

use super::page::escape;
use super::table::magnitude;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 38.0;

/// A line of the chart.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// k and the measure there; `None` where it is not defined leaves a gap.
    pub(super) points: Vec<(usize, Option<f64>)>,
}

/// A number of groups that is pointed out.
pub(super) struct Mark {
    pub(super) k: usize,
    pub(super) text: String,
    /// The style's class.
    pub(super) class: &'static str,
}

/// The chart `id`, whose title and description name what a reader who can't see it needs.
pub(super) fn svg(id: &str, title: &str, help: &str, lines: &[Line], marks: &[Mark]) -> String {
    let mut text = String::new();
    let all = lines.iter().flat_map(|line| &line.points);
    let numbers: Vec<usize> = all.clone().map(|&(k, _)| k).collect();
    let values: Vec<f64> = all.filter_map(|&(_, value)| value).collect();
    let axis = Axes::over(&numbers, &values);
    // Writing to a String can't fail.
    let _ = write!(
        text,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        escape(title),
        escape(&described(help, lines))
    );
    for tick in axis.y_ticks() {
        let y = axis.y(tick);
        let _ = write!(
            text,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            axis.label(tick)
        );
    }
    for k in axis.x_ticks() {
        let _ = write!(
            text,
            "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{k}</text>",
            axis.x(k),
            HEIGHT - BOTTOM + 18.0
        );
    }
    let _ = write!(
        text,
        "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">k</text>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 4.0
    );
    for mark in marks {
        let x = axis.x(mark.k);
        let _ = write!(
            text,
            "<line class=\"mark {}\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.1}\">\
             <title>{}</title></line>",
            mark.class,
            HEIGHT - BOTTOM,
            escape(&mark.text)
        );
    }
    for (number, line) in lines.iter().enumerate() {
        draw(&mut text, number, line, &axis);
    }
    text.push_str("</svg>");
    text
}

fn draw(text: &mut String, number: usize, line: &Line, axis: &Axes) {
    let _ = write!(text, "<g class=\"m{number}\">");
    let mut path = String::new();
    let mut pen = 'M';
    for &(k, value) in &line.points {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        let _ = write!(path, "{pen}{:.1} {:.1}", axis.x(k), axis.y(value));
        pen = 'L';
    }
    let _ = write!(text, "<path class=\"line\" d=\"{path}\"/>");
    for &(k, value) in &line.points {
        let Some(value) = value else { continue };
        let (x, y) = (axis.x(k), axis.y(value));
        let shape = match number {
            0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\">"),
            1 => format!("<path d=\"M{:.1} {:.1}h6v6h-6z\">", x - 3.0, y - 3.0),
            _ => format!("<path d=\"M{x:.1} {:.1}l3.6 6.4h-7.2z\">", y - 3.8),
        };
        let end = if number == 0 { "circle" } else { "path" };
        let name = escape(line.name);
        let _ = write!(
            text,
            "{shape}<title>{name}, k = {k}: {}</title></{end}>",
            shown(value)
        );
    }
    text.push_str("</g>");
}

/// Where each line starts and ends.
fn described(help: &str, lines: &[Line]) -> String {
    let mut text = help.to_owned();
    for line in lines {
        let defined = line.points.iter().filter_map(|&(k, v)| Some((k, v?)));
        let mut defined = defined.collect::<Vec<_>>().into_iter();
        let (Some((k, first)), last) = (defined.next(), defined.next_back()) else {
            continue;
        };
        let _ = write!(text, " {}: {} at k = {k}", line.name, shown(first));
        if let Some((k, last)) = last {
            let _ = write!(text, ", {} at k = {k}", shown(last));
        }
        text.push('.');
    }
    text
}

fn shown(value: f64) -> String {
    if value.abs() < 10.0 {
        format!("{value:.3}")
    } else {
        magnitude(value)
    }
}

/// What is where.
struct Axes {
    from: usize,
    to: usize,
    low: f64,
    high: f64,
    step: f64,
}

impl Axes {
    fn over(numbers: &[usize], values: &[f64]) -> Self {
        let from = numbers.iter().copied().min().unwrap_or(0);
        let to = numbers.iter().copied().max().unwrap_or(1).max(from + 1);
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = match high - low {
            range if range > 0.0 && range.is_finite() => (low, high),
            // one value or none
            _ if low.is_finite() => (low - 0.5, low + 0.5),
            _ => (0.0, 1.0),
        };
        let step = step(high - low);
        Self {
            from,
            to,
            low: (low / step).floor() * step,
            high: (high / step).ceil() * step,
            step,
        }
    }

    fn x(&self, k: usize) -> f64 {
        let share = (k as f64 - self.from as f64) / (self.to - self.from) as f64;
        LEFT + 6.0 + share * (WIDTH - LEFT - RIGHT - 12.0)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    fn y_ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count.min(12)).map(|i| self.low + self.step * i as f64)
    }

    fn x_ticks(&self) -> impl Iterator<Item = usize> {
        let every = (self.to - self.from).div_ceil(12).max(1);
        (self.from..=self.to).step_by(every)
    }

    /// As many decimals as the steps have.
    fn label(&self, tick: f64) -> String {
        let mut decimals = 0;
        let mut step = self.step;
        while step < 0.999 && decimals < 9 {
            step *= 10.0;
            decimals += 1;
        }
        // no minus before a zero
        let tick = if tick.abs() < self.step / 2.0 {
            0.0
        } else {
            tick
        };
        format!("{tick:.decimals$}")
    }
}

/// A round step (1, 2 or 5 times a power of ten) of which three to seven fit the range.
fn step(range: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 <= range {
        power *= 10.0;
    }
    while power > range {
        power /= 10.0;
    }
    match range / power {
        r if r < 2.0 => power / 5.0 * 2.0,
        r if r < 4.0 => power,
        _ => power * 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        for range in [1e-9, 0.03, 0.5, 1.0, 1.9, 3.0, 7.7, 10.0, 99.0, 1e5, 3e17] {
            let count = range / step(range);
            assert!((2.0..=5.1).contains(&count), "{range}: {count}");
        }
    }

    #[test]
    fn a_gap_breaks_the_line_and_text_is_escaped() {
        let points = vec![(2, Some(0.5)), (3, None), (4, Some(0.25)), (5, Some(0.125))];
        let line = Line {
            name: "<a & b>",
            points,
        };
        let drawn = svg("c", "t<", "Help.", &[line], &[]);
        assert!(!drawn.contains("<a &") && drawn.contains("&lt;a &amp; b&gt;"));
        assert!(drawn.contains("t&lt;</title>"));
        let path = drawn.split("class=\"line\" d=\"").nth(1).unwrap();
        let path = path.split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(drawn.contains("0.500 at k = 2, 0.125 at k = 5"));
    }

    #[test]
    fn flat_and_empty_charts_have_numbers_only() {
        for points in [vec![(7, Some(3.0))], vec![(7, None)], Vec::new()] {
            let drawn = svg("c", "t", "h", &[Line { name: "n", points }], &[]);
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
