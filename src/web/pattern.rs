//! The paths of routes: literal segments and parameters, `/api/nodes/{node}/pods`.

use super::percent::{Refused, decode};

/// The bytes of a path parameter, decoded: the longest name in Kubernetes (a DNS name, RFC 1123) fits.
pub const PARAMETER_LIMIT: usize = 253;

/// A route's path.
#[derive(Debug)]
pub(super) struct Pattern {
    text: &'static str,
    segments: Vec<Segment>,
    has_parameters: bool,
}

/// What is between two slashes.
#[derive(Clone, Copy, Debug)]
enum Segment {
    Literal(&'static str),
    Parameter(&'static str),
}

/// The path parameters of a request, decoded, by the names in its route's path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    values: Vec<(&'static str, String)>,
}

impl Pattern {
    /// The pattern that `text` writes down. Panics if it does not begin with a slash, since it is the
    /// program's own.
    pub(super) fn new(text: &'static str) -> Self {
        let rest = text.strip_prefix('/').unwrap_or_else(|| panic!("{text}: a path begins with a slash"));
        let segments: Vec<Segment> = rest.split('/').map(Segment::new).collect();
        let has_parameters = segments.iter().any(|segment| matches!(segment, Segment::Parameter(_)));
        Self { text, segments, has_parameters }
    }

    /// As it was written.
    pub(super) fn text(&self) -> &'static str {
        self.text
    }

    /// The order of precedence: where the two first differ, a literal segment is before a parameter. Equal:
    /// both match the same paths.
    pub(super) fn precedence(&self, other: &Self) -> std::cmp::Ordering {
        self.shape().cmp(other.shape())
    }

    /// Its segments with what all parameters have in common: that any text matches.
    fn shape(&self) -> impl Iterator<Item = (bool, &'static str)> {
        self.segments.iter().map(|segment| match *segment {
            Segment::Literal(text) => (false, text),
            Segment::Parameter(_) => (true, ""),
        })
    }

    /// Whether `path`, as it was received, is one of this pattern. Segments are separated before anything is
    /// decoded, so that an encoded slash separates none, and literal ones must be sent unencoded.
    pub(super) fn matches(&self, path: &str) -> bool {
        if !self.has_parameters {
            return path == self.text;
        }
        let mut received = segments_of(path);
        let all_match = self.segments.iter().all(|segment| match (segment, received.next()) {
            (Segment::Literal(text), Some(received)) => received == *text,
            (Segment::Parameter(_), Some(received)) => !received.is_empty(),
            (_, None) => false,
        });
        all_match && received.next().is_none()
    }

    /// The parameters of a path that [matches](Self::matches).
    pub(super) fn parameters(&self, path: &str) -> Result<Parameters, Refused> {
        let mut values = Vec::new();
        if self.has_parameters {
            for (segment, received) in self.segments.iter().zip(segments_of(path)) {
                if let Segment::Parameter(name) = segment {
                    values.push((*name, decode(received, PARAMETER_LIMIT)?));
                }
            }
        }
        Ok(Parameters { values })
    }
}

impl Segment {
    fn new(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => Self::Parameter(name),
            None => Self::Literal(text),
        }
    }
}

impl Parameters {
    /// The value of the parameter `{name}`. Panics where the route's path has no such parameter.
    pub fn get(&self, name: &str) -> &str {
        let value = self.values.iter().find(|(other, _)| *other == name);
        value.map_or_else(|| panic!("no path parameter {name}"), |(_, value)| value)
    }
}

fn segments_of(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_segment_by_segment() {
        for (pattern, path, is_match) in [
            ("/", "/", true),
            ("/", "", false),
            ("/", "//", false),
            ("/", "*", false),
            ("/health", "/health", true),
            ("/health", "/health/", false),
            ("/health", "/Health", false),
            ("/health", "/%68ealth", false),
            ("/nodes/{node}", "/nodes/a", true),
            ("/nodes/{node}", "/nodes/a%2Fb", true),
            ("/nodes/{node}", "/nodes/", false),
            ("/nodes/{node}", "/nodes", false),
            ("/nodes/{node}", "/nodes/a/", false),
            ("/nodes/{node}", "/nodes/a/b", false),
            ("/nodes/{node}", "nodes/a", false),
            ("/nodes/{node}/pods", "/nodes/a/pods", true),
            ("/nodes/{node}/pods", "/nodes//pods", false),
            ("/nodes/{node}/pods", "/nodes/a%2Fpods", false),
            ("/{a}/{b}", "/x/y", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(path), is_match, "{pattern} {path}");
        }
    }

    #[test]
    fn parameters_are_decoded_after_they_are_separated() {
        let pattern = Pattern::new("/a/{ns}/b/{pod}");
        let parameters = pattern.parameters("/a/x%2Fb%2Fy/b/%2e%2E").unwrap();
        assert_eq!((parameters.get("ns"), parameters.get("pod")), ("x/b/y", ".."));
        assert_eq!(pattern.parameters("/a/x%00/b/y"), Err(Refused::Text));
        assert_eq!(pattern.parameters("/a/x/b/%"), Err(Refused::Encoding));
    }

    #[test]
    fn a_parameter_may_be_as_long_as_the_limit_and_no_longer() {
        let pattern = Pattern::new("/{name}");
        let parameters = |length| pattern.parameters(&format!("/{}", "%61".repeat(length)));
        assert_eq!(parameters(PARAMETER_LIMIT).unwrap().get("name").len(), PARAMETER_LIMIT);
        assert_eq!(parameters(PARAMETER_LIMIT + 1), Err(Refused::TooLong));
    }

    #[test]
    #[should_panic(expected = "no path parameter pod")]
    fn a_parameter_that_no_path_has_is_a_mistake_in_the_program() {
        Parameters::default().get("pod");
    }

    #[test]
    fn literal_segments_precede_parameters() {
        let mut patterns = ["/{a}/{c}", "/{a}", "/a/{b}", "/{x}/b", "/a/b", "/a"].map(Pattern::new);
        patterns.sort_by(Pattern::precedence);
        let sorted = patterns.map(|pattern| pattern.text());
        assert_eq!(sorted, ["/a", "/a/b", "/a/{b}", "/{a}", "/{x}/b", "/{a}/{c}"]);
        assert!(Pattern::new("/a/{b}").precedence(&Pattern::new("/a/{c}")).is_eq());
    }
}
