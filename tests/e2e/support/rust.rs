//! Just enough of Rust's lexical structure to hold rules against sources: code without comments and literals,
//! words, paths, the extent of functions.

/// `text` with the contents of comments and of string and character literals blanked; lines stay lines.
pub(crate) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = literal_or_comment(rest, code.chars().next_back());
        let (taken, blank) = if length > 0 { (length, true) } else { (first.len_utf8(), false) };
        for character in rest[..taken].chars() {
            code.push(if blank && character != '\n' { ' ' } else { character });
        }
        rest = &rest[taken..];
    }
    code
}

/// The length of the comment or literal that `rest` begins with; 0 if it begins with code.
fn literal_or_comment(rest: &str, before: Option<char>) -> usize {
    let within_word = before.is_some_and(is_word);
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if let Some(string) = rest.strip_prefix('"') {
        1 + quoted(string, '"')
    } else if let Some(raw) = rest.strip_prefix('r').filter(|_| !within_word || before == Some('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let end = format!("\"{}", &raw[..hashes]);
        let Some(content) = raw[hashes..].strip_prefix('"') else { return 0 };
        2 + hashes + content.find(&end).map_or(content.len(), |at| at + end.len())
    } else if let Some(character) = rest.strip_prefix('\'') {
        let lifetime = !character.starts_with('\\') && character.chars().nth(1) != Some('\'');
        if lifetime { 0 } else { 1 + quoted(character, '\'') }
    } else {
        0
    }
}

/// The length of what stands before the `end` that is not escaped, `end` included.
fn quoted(text: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if character == end && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let nested = text[at..].starts_with("/*");
        let closed = text[at..].starts_with("*/");
        depth = if nested { depth + 1 } else { depth - usize::from(closed) };
        at += if nested || closed { 2 } else { text[at..].chars().next().map_or(1, char::len_utf8) };
        if depth == 0 {
            break;
        }
    }
    at
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Every word of `code`, with what follows it.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(is_word)?..];
        let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        rest = after;
        Some((word, after))
    })
}

/// The part of a source before its `mod tests { … }`.
pub(crate) fn without_tests(text: &str) -> &str {
    text.match_indices("\n#[cfg(test)]\nmod ")
        .find(|(at, start)| text[at + start.len()..].lines().next().is_some_and(|line| line.ends_with('{')))
        .map_or(text, |(at, _)| &text[..at])
}

/// The rooms that `code` names: the `x` of `crate::x` and of `crate::{x, y::z}`.
pub(crate) fn rooms_used(code: &str) -> Vec<&str> {
    let inside = paths(code).into_iter().filter(|path| path[0] == "crate");
    inside.map(|path| path[1]).collect()
}

/// Every path of `code` that has more than one segment, with the trees of `use` expanded: `a::{b, c::D}` is
/// `a::b` and `a::c::D`.
pub(crate) fn paths(code: &str) -> Vec<Vec<&str>> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_word) {
        let before = &code[..code.len() - rest.len() + start];
        let (path, after) = rest[start..].split_at(path_end(&rest[start..]));
        rest = after;
        // `pub(in crate::x)` names who may use it, and uses nothing.
        if !before.ends_with("pub(in ") {
            expand(&[], path, &mut paths);
        }
    }
    paths.retain(|path| path.len() > 1);
    paths
}

/// The length of the path, or the tree of paths, that `text` begins with.
fn path_end(text: &str) -> usize {
    let word = text.find(|c| !is_word(c)).unwrap_or(text.len());
    match text[word..].strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => word + 2 + braces(rest),
        Some(rest) if rest.starts_with(is_word) => word + 2 + path_end(rest),
        _ => word,
    }
}

/// The length of the braces that `text` begins with, both included.
fn braces(text: &str) -> usize {
    let mut depth = 0;
    let end = text.find(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        depth == 0
    });
    end.map_or(text.len(), |end| end + 1)
}

/// Adds the paths of `tree`, each of which begins with `prefix`.
fn expand<'a>(prefix: &[&'a str], tree: &'a str, paths: &mut Vec<Vec<&'a str>>) {
    let tree = tree.trim();
    let word = tree.find(|c| !is_word(c)).unwrap_or(tree.len());
    let path = [prefix, &[&tree[..word]]].concat();
    match tree[word..].strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => {
            for part in commas(&rest[1..braces(rest) - 1]) {
                expand(&path, part, paths);
            }
        }
        Some(rest) if rest.starts_with(is_word) => expand(&path, rest, paths),
        _ if word > 0 => paths.push(path),
        _ => {}
    }
}

/// The parts of a list, between the commas that are not within braces.
fn commas(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    list.split(move |character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        depth == 0 && character == ','
    })
}

/// Each function's name and the lines it takes.
pub(crate) fn functions(code: &str) -> Vec<(&str, usize)> {
    let named = words(code).filter(|(word, after)| *word == "fn" && after.starts_with(' '));
    named.filter_map(|(_, after)| Some((words(after).next()?.0, 1 + body_end(after)?))).collect()
}

/// The line ends up to the end of the body; `None` for a function without one.
fn body_end(signature: &str) -> Option<usize> {
    let (mut depth, mut in_body) = (0, false);
    for (at, character) in signature.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ';' if depth == 0 => return None,
            _ => {}
        }
        in_body |= character == '{' && depth == 1;
        if in_body && depth == 0 {
            return Some(signature[..at].matches('\n').count());
        }
    }
    None
}

#[test]
fn literals_and_comments_are_no_code() {
    for (text, code) in [
        ("a // unsafe\nb", "a          \nb"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("a \"b \\\" c\" d", "a          d"),
        ("a r#\"b \" c\"# d", "a            d"),
        ("a br\"b\\\" d", "a b      d"),
        ("for 'a' in '\\'' 'x", "for     in      'x"),
        ("fn f<'a>(a: &'a str)", "fn f<'a>(a: &'a str)"),
        ("a \"// b\" c", "a        c"),
        ("a 'é' b", "a     b"),
    ] {
        assert_eq!(code_of(text), code, "{text}");
    }
}

#[test]
fn rooms_are_found_in_paths_and_in_lists() {
    let code = "use crate::a::B;\nuse crate::{c, d::{E, F}, g::H};\n\
        fn f() { crate::i::j(); k, l }\npub(crate) fn m() {}";
    assert_eq!(rooms_used(code), ["a", "c", "d", "d", "g", "i"]);
}

#[test]
fn paths_are_found_whole_and_trees_are_expanded() {
    let code = "use a::b::{c, d::{E, F as G}};\npub(in crate::x) fn f(g: &H) { super::i::j(); k }";
    let expected = [&["a", "b", "c"][..], &["a", "b", "d", "E"], &["a", "b", "d", "F"], &["super", "i", "j"]];
    assert_eq!(paths(code), expected);
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let code = "fn a() {}\nfn b(x: [u8; 2]) -> u8\nwhere\n{\n    {}\n}\n\
        trait T { fn c();\n fn d() {\n} }\ntype E = fn(u8);";
    assert_eq!(functions(code), [("a", 1), ("b", 5), ("d", 2)]);
}

#[test]
fn tests_are_no_part_of_what_is_measured() {
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\nb"), "a");
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod other;\nb"), "a\n#[cfg(test)]\nmod other;\nb");
}
