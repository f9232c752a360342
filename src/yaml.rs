//! YAML of others: what would keep the parser busy for minutes, or fill the memory, is refused
//! before the parser sees it.

use serde::de::Error as _;
use serde_yaml::Error;

/// Largest YAML, bytes: each two of them can become an event of a hundred.
const MOST_BYTES: usize = 4 << 20;

/// Most brackets that are open at once: each token costs the parser time for every one of them, and
/// what is deeper than 128 levels it refuses in the end. Brackets in quoted texts and comments
/// count too and need not balance, hence the room.
const MOST_OPEN: usize = 256;

/// Most directives, the lines that start with `%`: the parser holds each against all before it, and
/// nobody needs any.
const MOST_DIRECTIVES: usize = 64;

/// The same text, where a parser can be trusted with it.
pub fn checked(text: &str) -> Result<&str, Error> {
    if text.len() > MOST_BYTES {
        return Err(Error::custom(format!(
            "it has {} bytes, expected at most {MOST_BYTES} of a YAML",
            text.len()
        )));
    }
    let (mut open, mut directives) = (0_usize, 0);
    for (number, line) in (1..).zip(text.lines()) {
        directives += usize::from(line.starts_with('%'));
        if directives > MOST_DIRECTIVES {
            return Err(Error::custom(format!(
                "line {number} is one of more than {MOST_DIRECTIVES} directives, expected none"
            )));
        }
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MOST_OPEN {
                return Err(Error::custom(format!(
                    "more than {MOST_OPEN} brackets are open in line {number}, expected at most \
                    128 levels"
                )));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_writes_is_refused() {
        for text in [
            "",
            "%YAML 1.1\n---\na: [1, {b: 2}]\n",
            &"- [{}, ']']\n".repeat(100_000),
            &"{a: [".repeat(100),
        ] {
            assert_eq!(checked(text).unwrap(), text);
        }
        let refused = |text: String| checked(&text).unwrap_err().to_string();
        let deep = refused("a: 1\nb: ".to_owned() + &"[".repeat(200_000));
        assert_eq!(deep, "more than 256 brackets are open in line 2, expected at most 128 levels");
        assert_eq!(
            refused("%TAG !a! b\n".repeat(65)),
            "line 65 is one of more than 64 directives, expected none"
        );
        assert_eq!(
            refused(" ".repeat(MOST_BYTES + 1)),
            "it has 4194305 bytes, expected at most 4194304 of a YAML"
        );
    }
}
