//! A strict reader of the YAML that our manifests use: block mappings and lists, scalars plain or in double
//! quotes, comments, `---`. Whatever else YAML has (flow style, anchors, tags, block scalars, escapes) is
//! refused, not guessed.

use std::iter::Peekable;
use std::vec::IntoIter;

/// A value, with the keys of a mapping in the order of the text.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What lies at a path of keys and list positions: `spec containers 0 image`.
    pub(crate) fn find(&self, path: &str) -> Option<&Node> {
        path.split_whitespace().try_fold(self, |node, step| match node {
            Node::Map(entries) => entries.iter().find(|(key, _)| key == step).map(|(_, value)| value),
            Node::List(items) => items.get(step.parse::<usize>().ok()?),
            Node::Scalar(_) => None,
        })
    }

    /// The scalar there.
    pub(crate) fn text(&self, path: &str) -> &str {
        match self.find(path) {
            Some(Node::Scalar(text)) => text,
            other => panic!("{path} is no scalar but {other:?}"),
        }
    }

    /// The items of the list there; none where there is none.
    pub(crate) fn list(&self, path: &str) -> &[Node] {
        match self.find(path) {
            Some(Node::List(items)) => items,
            None => &[],
            other => panic!("{path} is no list but {other:?}"),
        }
    }

    /// The entries of the mapping there; none where there is none.
    pub(crate) fn entries(&self, path: &str) -> Vec<(&str, &Node)> {
        match self.find(path) {
            Some(Node::Map(entries)) => entries.iter().map(|(key, value)| (key.as_str(), value)).collect(),
            None => vec![],
            other => panic!("{path} is no mapping but {other:?}"),
        }
    }
}

/// The documents of a file. Panics where the text leaves the subset.
pub(crate) fn documents(text: &str) -> Vec<Node> {
    text.split("\n---\n").map(document).collect()
}

fn document(text: &str) -> Node {
    let lines: Vec<Line> = text.lines().flat_map(line).collect();
    let mut lines = lines.into_iter().peekable();
    let document = node(&mut lines, 0);
    assert!(lines.peek().is_none(), "not aligned with what is above it: {:?}", lines.peek());
    document
}

type Lines<'a> = Peekable<IntoIter<Line<'a>>>;

/// The column where a line begins, and what it says.
type Line<'a> = (usize, &'a str);

/// None for a comment; two for a list's item: its dash, and what stands behind it, two columns further in.
fn line(text: &str) -> Vec<Line<'_>> {
    let content = text.trim_start_matches(' ');
    let column = text.len() - content.len();
    match content.strip_prefix("- ") {
        _ if content.is_empty() || content.starts_with('#') => vec![],
        Some(item) => vec![(column, "-"), (column + 2, item)],
        None => vec![(column, content)],
    }
}

fn node(lines: &mut Lines, column: usize) -> Node {
    let Some((_, content)) = lines.next_if(|(at, _)| *at == column) else {
        panic!("nothing in column {column}, but {:?}", lines.peek());
    };
    match entry(content) {
        _ if content == "-" => list(lines, column),
        Some(first) => map(lines, column, first),
        None => scalar(content),
    }
}

fn list(lines: &mut Lines, column: usize) -> Node {
    let mut items = vec![node(lines, column + 2)];
    while lines.next_if_eq(&(column, "-")).is_some() {
        items.push(node(lines, column + 2));
    }
    Node::List(items)
}

fn map(lines: &mut Lines, column: usize, first: (&str, &str)) -> Node {
    let mut entries = vec![(first.0.to_owned(), value(lines, column, first.1))];
    while let Some((_, content)) = lines.next_if(|(at, content)| *at == column && *content != "-") {
        let (key, text) = entry(content).unwrap_or_else(|| panic!("no key in {content:?}"));
        assert!(entries.iter().all(|(name, _)| name != key), "{key:?} twice");
        entries.push((key.to_owned(), value(lines, column, text)));
    }
    Node::Map(entries)
}

/// What stands behind a key in `column`, or below it and further in.
fn value(lines: &mut Lines, column: usize, text: &str) -> Node {
    match lines.peek() {
        _ if !text.is_empty() => scalar(text),
        Some(&(deeper, _)) if deeper > column => node(lines, deeper),
        next => panic!("a key without a value before {next:?}"),
    }
}

/// Key and value of `key: value` or `key:`.
fn entry(content: &str) -> Option<(&str, &str)> {
    content.split_once(": ").or_else(|| Some((content.strip_suffix(':')?, "")))
}

fn scalar(text: &str) -> Node {
    let (content, refused): (_, &[_]) = match text.strip_prefix('"') {
        Some(rest) => (rest.strip_suffix('"').expect("a closing quotation mark"), &["\\", "\""]),
        None => (text, &[": ", " #", "\"", "'", "&", "*", "!", "|", ">", "`", "[", "{"]),
    };
    assert!(!refused.iter().any(|part| content.contains(part)), "not in the subset: {text:?}");
    Node::Scalar(content.to_owned())
}
