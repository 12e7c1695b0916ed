use super::section::{Piece, Want};
use super::{Kind, Scanner, Structure};

/// RFC 3501 s 6.4.5's example of part numbers.
const NESTED: &str = "Subject: top\r\nContent-Type: multipart/mixed; boundary=\"A\"\r\n\r\npreamble\r\n\
    --A\r\nContent-Type: text/plain\r\n\r\none\r\nline\r\n\
    --A\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
    --A\r\nContent-Type: message/rfc822\r\n\r\nSubject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n\
    --B\r\n\r\n3.1\r\n--B \t\r\nContent-Type: application/octet-stream\r\n\r\n3.2\r\n--B--\r\nepilogue\r\n\
    --A\r\nContent-Type: multipart/mixed; boundary=AA\r\n\r\n\
    --AA\r\nContent-Type: image/gif\r\n\r\n4.1\r\n\
    --AA\r\nContent-Type: message/rfc822\r\n\r\nSubject: four two\r\n\r\n4.2.1\r\n--AA--\r\n--A--\r\nepilogue\r\n";

fn text(message: &str, structure: &Structure, numbers: &[u32], want: Want<'_>) -> Option<String> {
    structure.section(numbers, want).map(|piece| match piece {
        Piece::Octets(octets) => String::from_utf8_lossy(&octets).into_owned(),
        Piece::Range(range) => message[range.start as usize..range.end as usize].to_owned(),
    })
}

#[test]
fn part_numbers() {
    let structure = Structure::of(NESTED.as_bytes());
    let rows: &[(&[u32], Option<&str>, &str)] = &[
        (&[1], Some("one\r\nline"), "RFC 3501 s 6.4.5: 1 TEXT/PLAIN"),
        (&[2], Some("two"), "2 APPLICATION/OCTET-STREAM"),
        (&[3, 1], Some("3.1"), "3.1 TEXT/PLAIN"),
        (&[3, 2], Some("3.2"), "3.2; its boundary has white space behind it"),
        (&[4, 1], Some("4.1"), "4.1 IMAGE/GIF"),
        (&[4, 2], Some("Subject: four two\r\n\r\n4.2.1"), "4.2 MESSAGE/RFC822"),
        (&[4, 2, 1], Some("4.2.1"), "4.2.1 TEXT/PLAIN"),
        (&[4, 2, 2], None, "a message that is no multipart has one part"),
        (&[1, 1], None, "nothing inside a leaf"),
        (&[5], None, "no more of them"),
        (&[3, 1, 1], None, "nothing inside a leaf"),
    ];
    for (numbers, want, shows) in rows {
        assert_eq!(text(NESTED, &structure, numbers, Want::All).as_deref(), *want, "{shows}");
    }
    let names = [b"SUBJECT".to_vec()];
    assert_eq!(
        text(NESTED, &structure, &[3], Want::HeaderFields(&names)).as_deref(),
        Some("Subject: three\r\n\r\n")
    );
    assert_eq!(text(NESTED, &structure, &[4, 2], Want::Text).as_deref(), Some("4.2.1"));
    assert_eq!(
        text(NESTED, &structure, &[2], Want::Mime).as_deref(),
        Some("Content-Type: application/octet-stream\r\n\r\n")
    );
    assert_eq!(text(NESTED, &structure, &[2], Want::Header), None, "no message");
    assert_eq!(text(NESTED, &structure, &[], Want::All).as_deref(), Some(NESTED));
    let not = text(NESTED, &structure, &[], Want::HeaderFieldsNot(&names));
    assert_eq!(not.as_deref(), Some("Content-Type: multipart/mixed; boundary=\"A\"\r\n\r\n"));
    let lines: Vec<_> = structure.parts().iter().map(|part| part.lines()).collect();
    assert_eq!(lines[1], 1, "the line end before a boundary is not the part's");
    assert_eq!(structure.parts()[0].kind(), Kind::Multipart);
}

#[test]
fn a_single_part_is_part_one() {
    let message = "Subject: x\r\n\r\nbody\r\n";
    let structure = Structure::of(message.as_bytes());
    assert_eq!(text(message, &structure, &[1], Want::All).as_deref(), Some("body\r\n"));
    assert_eq!(text(message, &structure, &[1, 1], Want::All), None);
    assert_eq!(text(message, &structure, &[], Want::Text).as_deref(), Some("body\r\n"));
    assert_eq!(structure.parts()[0].lines(), 1);
}

#[test]
fn cut_anywhere_it_is_the_same() {
    let whole = Structure::of(NESTED.as_bytes());
    for cut in 0..NESTED.len() {
        let mut scanner = Scanner::new();
        let (a, b) = NESTED.as_bytes().split_at(cut);
        scanner.feed(a);
        scanner.feed(b);
        assert_eq!(scanner.finish(), whole, "cut at {cut}");
    }
    let mut scanner = Scanner::new();
    NESTED.as_bytes().iter().for_each(|octet| scanner.feed(&[*octet]));
    assert_eq!(scanner.finish(), whole);
}

#[test]
fn what_is_broken_is_told_of_all_the_same() {
    let rows: &[(&str, usize, &str)] = &[
        ("", 1, "nothing"),
        ("Subject: no body", 1, "no empty line"),
        ("Content-Type: multipart/mixed\r\n\r\n--\r\n", 1, "no boundary: a text"),
        ("Content-Type: multipart/mixed; boundary=x\r\n\r\nno part\r\n", 2, "no part: an empty one"),
        ("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nA: b", 2, "ends in a header"),
        ("Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n", 2, "bare line feeds"),
        (
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n--x\r\n\r\nb",
            2,
            "a part behind the end is none",
        ),
        (
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n",
            1,
            "an encoded message",
        ),
    ];
    for (message, parts, shows) in rows {
        assert_eq!(Structure::of(message.as_bytes()).parts().len(), *parts, "{shows}");
    }
}

#[test]
fn nesting_and_numbers_are_bounded() {
    let mut deep = String::new();
    for level in 0..300 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
    }
    let structure = Structure::of(deep.as_bytes());
    assert!(structure.parts().iter().all(|part| part.depth() <= 100));
    let many = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{}", "--x\r\n\r\n".repeat(20_000));
    assert!(Structure::of(many.as_bytes()).parts().len() <= 10_000);
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(300);
    assert!(Structure::of(messages.as_bytes()).parts().len() <= 100);
}
