//! Which process this is: a number that differs between processes, and the fields of every response that name
//! it. The names of node and pod come from the settings.

use std::sync::OnceLock;

use crate::http::head_writer::push_line;
use crate::sys::random;

/// The number of this process: random, and the same for as long as it runs.
pub fn instance() -> u64 {
    static INSTANCE: OnceLock<u64> = OnceLock::new();
    *INSTANCE.get_or_init(random::number)
}

/// The lines of a response's head that name the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    lines: Vec<u8>,
}

impl Identity {
    /// This process on `node`, and in `pod` where that is known.
    pub fn new(node: &str, pod: Option<&str>) -> Self {
        let mut lines = Vec::new();
        push_line(&mut lines, "Smoker-Instance", &format!("{:016x}", instance()));
        push_line(&mut lines, "Smoker-Node", node);
        if let Some(pod) = pod {
            push_line(&mut lines, "Smoker-Pod", pod);
        }
        Self { lines }
    }

    /// The lines, each with its end.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_keeps_its_number() {
        assert_eq!(instance(), instance());
    }

    #[test]
    fn a_name_that_is_not_known_is_left_out() {
        let instance = format!("Smoker-Instance: {:016x}\r\nSmoker-Node: node-1\r\n", instance());
        assert_eq!(Identity::new("node-1", None).lines(), instance.as_bytes());
        let with_pod = format!("{instance}Smoker-Pod: pod-1\r\n");
        assert_eq!(Identity::new("node-1", Some("pod-1")).lines(), with_pod.as_bytes());
    }
}
