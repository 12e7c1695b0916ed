//! The base subject (RFC 5256 s 2.1), by which SORT compares and THREAD joins.

/// A subject without what replies and forwards put around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseSubject {
    /// Decoded, white space made one, without `Re:`, `Fwd:`, `[blob]`, `(fwd)`.
    pub(crate) text: String,
    /// Whether it was a reply's or a forward's.
    pub(crate) is_reply: bool,
}

/// Octets of a subject that are looked at: more of them are no subject, and the steps below are not linear.
const LOOKED_AT: usize = 2048;

/// The base of a decoded subject.
pub(crate) fn base(subject: &str) -> BaseSubject {
    let subject =
        (0..=subject.len().min(LOOKED_AT)).rev().find_map(|end| subject.get(..end)).unwrap_or_default();
    // Step 1: white space to single spaces.
    let mut joined = String::with_capacity(subject.len());
    for word in subject.split([' ', '\t']).filter(|word| !word.is_empty()) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    let mut text: &str = &joined;
    let mut is_reply = false;
    loop {
        // Step 2: trailers.
        loop {
            let before = text;
            text = text.trim_end();
            if let Some(rest) = strip_suffix_ignoring_case(text, "(fwd)") {
                (text, is_reply) = (rest, true);
            }
            if text == before {
                break;
            }
        }
        // Steps 3 to 5: leaders, and blobs as long as something remains.
        loop {
            let before = text;
            if let Some(rest) = strip_leader(text) {
                (text, is_reply) = (rest, true);
            }
            text = text.trim_start();
            if let Some(rest) = strip_blob(text)
                && !rest.is_empty()
            {
                text = rest;
            }
            if text == before {
                break;
            }
        }
        // Step 6: [fwd: …]
        let inside = text.strip_suffix(']').and_then(|text| strip_prefix_ignoring_case(text, "[fwd:"));
        match inside {
            Some(inside) => (text, is_reply) = (inside, true),
            None => break,
        }
    }
    BaseSubject { text: text.to_owned(), is_reply }
}

/// `*subj-blob subj-refwd`
fn strip_leader(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while let Some(behind) = strip_blob(rest) {
        rest = behind;
    }
    // subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
    let rest = ["re", "fwd", "fw"].iter().find_map(|word| {
        let behind = strip_prefix_ignoring_case(rest, word)?.trim_start();
        let behind = strip_blob(behind).unwrap_or(behind);
        behind.strip_prefix(':')
    })?;
    Some(rest)
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`
fn strip_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    let rest = inside.get(end..)?.strip_prefix(']')?;
    Some(rest.trim_start())
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.get(..prefix.len()).filter(|front| front.eq_ignore_ascii_case(prefix))?;
    text.get(prefix.len()..)
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    text.get(at..).filter(|end| end.eq_ignore_ascii_case(suffix))?;
    text.get(..at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_rfc_5256() {
        let rows = [
            ("hello", "hello", false, "nothing to take off"),
            ("Re: hello", "hello", true, "a reply"),
            ("re:  RE :fwd: hello", "hello", true, "many"),
            ("Re [2]: hello", "hello", true, "a blob in it"),
            ("[list] Re: [list] hello", "hello", true, "blobs before and behind"),
            ("[list] hello", "hello", false, "a blob is no reply"),
            ("[list]", "[list]", false, "a blob that is all there is stays"),
            ("hello (FWD) (fwd)", "hello", true, "trailers"),
            ("[Fwd: Re: hello]", "hello", true, "a forward in brackets"),
            ("a \t b", "a b", false, "white space"),
            ("Regards", "Regards", false, "no colon, no reply"),
            ("Re:", "", true, "nothing remains"),
            ("", "", false, "nothing"),
        ];
        for (subject, text, is_reply, shows) in rows {
            assert_eq!(base(subject), BaseSubject { text: text.to_owned(), is_reply }, "{shows}");
        }
    }
}
