//! The query of a target, parsed and within limits: `node=node-1&failed=true`.

use super::percent::{Refused, decode_form};

/// The parameters of a query: several times what any route takes.
pub const PARAMETERS_LIMIT: usize = 16;

/// The bytes of a parameter's name, decoded.
pub const NAME_LIMIT: usize = 64;

/// The bytes of a parameter's value, decoded: a DNS name (253 bytes) fits.
pub const VALUE_LIMIT: usize = 256;

/// Names and values, percent-decoded, in their order; each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    parameters: Vec<(String, String)>,
}

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// A malformed percent-encoding, bytes that are not UTF-8, or a control character.
    Malformed,
    /// A name or value longer than its limit.
    TooLong,
    /// More parameters than [`PARAMETERS_LIMIT`].
    TooMany,
    /// A name that occurs twice.
    Repeated,
}

impl Query {
    /// Parses `text`, a query without its `?`. A parameter without `=` has an empty value; empty parameters
    /// are skipped.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut query = Self::default();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if query.parameters.len() == PARAMETERS_LIMIT {
                return Err(QueryError::TooMany);
            }
            let name = decode_form(name, NAME_LIMIT)?;
            let value = decode_form(value, VALUE_LIMIT)?;
            if query.get(&name).is_some() {
                return Err(QueryError::Repeated);
            }
            query.parameters.push((name, value));
        }
        Ok(query)
    }

    /// The value of the parameter of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl From<Refused> for QueryError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Encoding | Refused::Text => Self::Malformed,
            Refused::TooLong => Self::TooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let query = Query::parse("node=node%2D1&&failed=true&flag&a=b=c&sp=x+y&").unwrap();
        for (name, value) in
            [("node", "node-1"), ("failed", "true"), ("flag", ""), ("a", "b=c"), ("sp", "x y")]
        {
            assert_eq!(query.get(name), Some(value));
        }
        assert_eq!(query.get("Node"), None);
        assert_eq!(query.iter().count(), 5);
        assert_eq!(Query::parse(""), Ok(Query::default()));
    }

    #[test]
    fn what_is_malformed_or_repeated_is_refused() {
        for (text, error) in [
            ("a=%", QueryError::Malformed),
            ("%00=a", QueryError::Malformed),
            ("a=%ff", QueryError::Malformed),
            ("a=1&a=2", QueryError::Repeated),
            ("a=1&%61=2", QueryError::Repeated),
        ] {
            assert_eq!(Query::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn each_limit_is_reached_and_not_passed() {
        let parameters = |count: usize| {
            let all: Vec<String> = (0..count).map(|index| format!("p{index}=1")).collect();
            all.join("&")
        };
        assert_eq!(Query::parse(&parameters(PARAMETERS_LIMIT)).unwrap().iter().count(), PARAMETERS_LIMIT);
        assert_eq!(Query::parse(&parameters(PARAMETERS_LIMIT + 1)), Err(QueryError::TooMany));
        assert!(Query::parse(&"n".repeat(NAME_LIMIT)).is_ok());
        assert_eq!(Query::parse(&"n".repeat(NAME_LIMIT + 1)), Err(QueryError::TooLong));
        assert!(Query::parse(&format!("a={}", "v".repeat(VALUE_LIMIT))).is_ok());
        assert_eq!(Query::parse(&format!("a={}", "v".repeat(VALUE_LIMIT + 1))), Err(QueryError::TooLong));
    }
}
