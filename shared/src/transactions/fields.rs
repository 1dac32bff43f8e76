//! Splits one record into fields without copying, but for fields that hold quotes.

use memchr::{memchr, memchr_iter};

use super::records::Shape;

/// The fields of the record that was split last. Reused from record to record.
#[derive(Debug, Default)]
pub struct Fields {
    ranges: Vec<(usize, usize)>,
    unquoted: String,
    in_unquoted: bool,
}

impl Fields {
    /// Splits `record`; at most `limit` fields are kept apart, their number is exact.
    pub fn split(&mut self, record: &str, delimiter: u8, shape: Shape, limit: usize) -> usize {
        self.ranges.clear();
        self.in_unquoted = shape != Shape::Plain;
        if self.in_unquoted {
            self.split_quoted(record, delimiter, limit)
        } else {
            let mut from = 0;
            let mut count = 1;
            for at in memchr_iter(delimiter, record.as_bytes()) {
                if self.ranges.len() < limit {
                    self.ranges.push((from, at));
                }
                from = at + 1;
                count += 1;
            }
            if self.ranges.len() < limit {
                self.ranges.push((from, record.len()));
            }
            count
        }
    }

    fn split_quoted(&mut self, record: &str, delimiter: u8, limit: usize) -> usize {
        self.unquoted.clear();
        let mut rest = record;
        let mut count = 0;
        loop {
            let from = self.unquoted.len();
            rest = rest
                .strip_prefix('"')
                .map_or(rest, |inside| self.unquote(inside));
            // What stands before the delimiter: a plain field, or a quoted one's tail.
            let end = memchr(delimiter, rest.as_bytes()).unwrap_or(rest.len());
            self.unquoted.push_str(rest.get(..end).unwrap_or_default());
            count += 1;
            if self.ranges.len() < limit {
                self.ranges.push((from, self.unquoted.len()));
            }
            match rest.get(end + 1..) {
                Some(next) if end < rest.len() => rest = next,
                _ => return count,
            }
        }
    }

    /// Copies a quoted field's text; returns what follows its closing quote.
    fn unquote<'a>(&mut self, mut inside: &'a str) -> &'a str {
        loop {
            let Some(quote) = memchr(b'"', inside.as_bytes()) else {
                self.unquoted.push_str(inside);
                return "";
            };
            self.unquoted
                .push_str(inside.get(..quote).unwrap_or_default());
            let after = inside.get(quote + 1..).unwrap_or_default();
            match after.strip_prefix('"') {
                Some(more) => {
                    self.unquoted.push('"');
                    inside = more;
                }
                None => return after,
            }
        }
    }

    /// Field `index` of `record`, which must be the one that was split last.
    pub fn get<'a>(&'a self, record: &'a str, index: usize) -> &'a str {
        let text = if self.in_unquoted {
            self.unquoted.as_str()
        } else {
            record
        };
        self.ranges
            .get(index)
            .and_then(|&(from, to)| text.get(from..to))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, expected: &[&str]) {
        let shape = if record.contains('"') {
            Shape::Quoted
        } else {
            Shape::Plain
        };
        let mut fields = Fields::default();
        let count = fields.split(record, b',', shape, 16);
        let found: Vec<_> = (0..count).map(|i| fields.get(record, i)).collect();
        assert_eq!(found, expected, "{record}");
    }

    #[test]
    fn fields_are_what_stands_between_delimiters() {
        check("a,b,c", &["a", "b", "c"]);
        check(",,", &["", "", ""]);
        check("a", &["a"]);
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_quotes() {
        check("a,\"b,c\",d", &["a", "b,c", "d"]);
        check("\"x\"\"y\",\"\",z", &["x\"y", "", "z"]);
        check("\"a\nb\",c", &["a\nb", "c"]);
        check("a,5\" nail,b", &["a", "5\" nail", "b"]);
        check("\"a\"b\"c,d", &["ab\"c", "d"]);
        check("a,\"b\"", &["a", "b"]);
        check("\"b\",", &["b", ""]);
    }

    #[test]
    fn fields_past_the_limit_are_counted() {
        let mut fields = Fields::default();
        assert_eq!(fields.split("a,b,c,d", b',', Shape::Plain, 2), 4);
        assert_eq!(fields.get("a,b,c,d", 1), "b");
        assert_eq!(fields.split("a,\"b\",c,d", b',', Shape::Quoted, 2), 4);
    }
}
