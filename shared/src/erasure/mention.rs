//! Whether a text names an id.

/// Whether `id` stands in `text` as a word of its own: `12346` in `,12346,` and in `12346.0`,
/// not in `123467`.
pub(super) fn mentions(text: &str, id: &str) -> bool {
    if id.is_empty() {
        return false;
    }
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(id)) {
        let start = from + found;
        if is_edge(text, start) && is_edge(text, start + id.len()) {
            return true;
        }
        // Behind the first character: a later occurrence may overlap this one.
        from = start + id.chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// Whether a word may begin or end between two bytes of `text`.
pub(super) fn is_edge(text: &str, at: usize) -> bool {
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else {
        return false;
    };
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !(is_word(before.chars().next_back()) && is_word(after.chars().next()))
}

/// What `text` says once doubled quotes are one, if there are any.
pub(super) fn unquoted(text: &str) -> Option<String> {
    text.contains("\"\"").then(|| text.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_named_where_it_is_a_word_of_its_own() {
        for text in [
            "12346",
            "a,12346,b",
            "\"12346\"",
            "12346.0",
            "x 12346",
            "112346 12346",
        ] {
            assert!(mentions(text, "12346"), "{text}");
        }
        for text in ["", "123467", "a12346", "1234", "é12346"] {
            assert!(!mentions(text, "12346"), "{text}");
        }
        assert!(mentions("a,--b,c", "-b"));
        assert!(
            mentions("aa-aa-a", "aa-a"),
            "the second one, which overlaps the first"
        );
        assert!(!mentions("anything", ""));
        assert!(mentions("a,O'Neil, Ann,b", "O'Neil, Ann"));
    }
}
