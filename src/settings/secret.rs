//! Secrets: given by a variable or in a file, and never shown again. Pure.

use std::fmt;

use super::given::Given;
use super::setting::{Default, Entry};
use super::value::Invalid;

/// The longest secret, in bytes: more than any token or password has.
pub const MAX_SECRET: usize = 4096;

/// What is accepted, for messages, which never contain the secret itself.
const REFUSAL: &str = "is not a secret (1 to 4096 bytes, no control characters)";

/// A secret. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the peer that asks for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A setting whose value is a secret. It has no flag: other users of a host can read command lines.
pub struct SecretSetting {
    environment: &'static str,
    file: &'static str,
}

/// A secret that is read from the variable `environment`, or from the file that the variable `file` names.
pub const fn secret(environment: &'static str, file: &'static str) -> SecretSetting {
    SecretSetting { environment, file }
}

impl SecretSetting {
    /// The two rows of the tables.
    pub fn entries(&self, about: &'static str) -> Vec<Entry> {
        let entry = |environment, about| Entry {
            environment: Some(environment),
            flag: None,
            metavariable: "",
            default: Default::None("none"),
            about,
        };
        vec![entry(self.environment, about.trim()), entry(self.file, "A file that contains it.")]
    }

    /// The secret, if one is given. The line break at the end of a file is no part of it.
    pub fn read(&self, given: &Given) -> Result<Option<Secret>, Invalid> {
        let Self { environment, file } = self;
        match (given.variable(environment), given.variable(file)) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Invalid::new(format!("{environment}: {file} is set too (set one of them)")))
            }
            (Some(text), None) => checked(environment, &text).map(Some),
            (None, Some(path)) => {
                let text = given.file(&path).map_err(|error| Invalid::new(format!("{file}: {error}")))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                checked(file, line.strip_suffix('\r').unwrap_or(line)).map(Some)
            }
        }
    }
}

fn checked(origin: &str, text: &str) -> Result<Secret, Invalid> {
    let is_accepted = (1..=MAX_SECRET).contains(&text.len()) && !text.chars().any(char::is_control);
    if is_accepted { Ok(Secret(text.to_owned())) } else { Err(Invalid::new(format!("{origin}: {REFUSAL}"))) }
}

#[cfg(test)]
mod tests {
    use super::super::given::Sources;
    use super::*;

    const TOKEN: SecretSetting = secret("API_TOKEN", "API_TOKEN_FILE");

    /// What the setting is read as with these variables, where each file contains `content`.
    fn read(variables: &[(&str, &str)], content: &str) -> Result<Option<Secret>, String> {
        let variable =
            |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        let file = |path: &str| {
            if path == "/token" { Ok(content.to_owned()) } else { Err(format!("cannot read {path}")) }
        };
        let sources = Sources { environment: &variable, host_name: &String::new, file: &file };
        TOKEN.read(&Given::new(&[], &sources)).map_err(|refusal| refusal.to_string())
    }

    fn revealed(variables: &[(&str, &str)], content: &str) -> Option<String> {
        read(variables, content).unwrap().map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn it_comes_from_a_variable_or_a_file() {
        assert_eq!(revealed(&[], ""), None);
        assert_eq!(revealed(&[("API_TOKEN", ""), ("API_TOKEN_FILE", "")], ""), None);
        assert_eq!(revealed(&[("API_TOKEN", "hunter 2")], ""), Some("hunter 2".into()));
        for content in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            assert_eq!(revealed(&[("API_TOKEN_FILE", "/token")], content), Some("hunter2".into()));
        }
    }

    #[test]
    fn it_is_never_shown() {
        let secret = read(&[("API_TOKEN", "hunter2")], "").unwrap();
        assert_eq!(format!("{secret:?}"), "Some(Secret(hidden))");
        for (variables, content) in [
            (&[("API_TOKEN", "hunter2"), ("API_TOKEN_FILE", "/token")][..], "hunter2"),
            (&[("API_TOKEN", "hunter2\n")], ""),
            (&[("API_TOKEN_FILE", "/token")], "hunter2\n\n"),
        ] {
            let refusal = read(variables, content).unwrap_err();
            assert!(refusal.starts_with("API_TOKEN") && !refusal.contains("hunter2"), "{refusal}");
        }
        let rows = TOKEN.entries(" Token of the API.");
        assert!(rows.iter().all(|row| row.flag.is_none() && row.default == Default::None("none")));
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_empty_is_refused() {
        let unread = read(&[("API_TOKEN_FILE", "/nowhere")], "");
        assert_eq!(unread, Err("API_TOKEN_FILE: cannot read /nowhere".into()));
        assert_eq!(read(&[("API_TOKEN_FILE", "/token")], "\n"), Err(format!("API_TOKEN_FILE: {REFUSAL}")));
    }

    #[test]
    fn it_may_have_4096_bytes_and_no_more() {
        assert!(read(&[("API_TOKEN", &"x".repeat(MAX_SECRET))], "").is_ok());
        assert!(read(&[("API_TOKEN", &"x".repeat(MAX_SECRET + 1))], "").is_err());
        assert!(REFUSAL.contains(&MAX_SECRET.to_string()));
    }
}
