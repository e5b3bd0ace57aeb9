//! Where the files of this process's control group are: from /proc/self/cgroup and /proc/self/mountinfo to
//! directories (cgroups(7), proc(5)). Pure.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The directories of a control group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Where its processor time is accounted for: of version 1 where that has the controller, else of 2.
    pub(super) cpu: Option<PathBuf>,
    /// That of version 2, which alone has memory pressure.
    pub(super) unified: Option<PathBuf>,
}

impl Places {
    /// Those of the process whose /proc/self/cgroup and /proc/self/mountinfo these are.
    pub(super) fn find(groups: &[u8], mounts: &[u8]) -> Self {
        let unified = directory(groups, mounts, "");
        Self { cpu: directory(groups, mounts, "cpu").or_else(|| unified.clone()), unified }
    }
}

/// The directory of the hierarchy that has `controller`; `""` means that of version 2.
fn directory(groups: &[u8], mounts: &[u8], controller: &str) -> Option<PathBuf> {
    let group = lines(groups).find_map(|line| group_of(line, controller))?;
    lines(mounts).filter_map(Mount::parse).filter(|mount| mount.has(controller)).find_map(|mount| {
        // A mount shows the hierarchy from its root down. One made outside of this process's namespace has a
        // root of `/..`; what lies below it is not visible from here.
        let below = group.strip_prefix(mount.root.strip_suffix(b"/").unwrap_or(&mount.root))?;
        let is_whole = below.is_empty() || below.starts_with(b"/");
        let climbs = below.split(|byte| *byte == b'/').any(|part| part == b"..");
        (is_whole && !climbs).then(|| path([&mount.point, below].concat()))
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// The group in a line `hierarchy:controllers:group`, if its hierarchy has `controller`.
fn group_of<'a>(line: &'a [u8], controller: &str) -> Option<&'a [u8]> {
    let mut parts = line.splitn(3, |byte| *byte == b':');
    let (_hierarchy, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
    controllers.split(|byte| *byte == b',').any(|name| name == controller.as_bytes()).then_some(group)
}

/// A line of mountinfo.
struct Mount<'a> {
    root: Vec<u8>,
    point: Vec<u8>,
    kind: &'a [u8],
    options: &'a [u8],
}

impl<'a> Mount<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b' ');
        let (root, point) = (words.nth(3)?, words.next()?);
        // Optional fields, as many as there are, end with a dash.
        words.find(|word| *word == b"-")?;
        let (kind, _source, options) = (words.next()?, words.next()?, words.next()?);
        Some(Self { root: unescaped(root), point: unescaped(point), kind, options })
    }

    fn has(&self, controller: &str) -> bool {
        if controller.is_empty() {
            return self.kind == b"cgroup2";
        }
        let mut options = self.options.split(|byte| *byte == b',');
        self.kind == b"cgroup" && options.any(|option| option == controller.as_bytes())
    }
}

/// Spaces and the like are written as `\040`.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| byte == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &after[3..] } else { after };
    }
    bytes
}

fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::cgroup::garble;
    use super::*;

    const UNIFIED: &str = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n";
    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:3 - cgroup cgroup rw,cpu,cpuacct\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_directories_are_found_however_groups_are_mounted() {
        let container = "32 31 0:29 /docker/ab /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n";
        let below = "32 31 0:29 /a /mnt rw - cgroup cgroup rw,cpu\n";
        let outside = "29 23 0:26 /../../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let spaced = "29 23 0:26 / /a\\040b\\134 rw - cgroup2 cgroup rw\n";
        for (groups, mounts, cpu, unified) in [
            // Version 2, on the node itself and within a namespace.
            ("0::/a.slice/b\n", UNIFIED, "/sys/fs/cgroup/a.slice/b", "/sys/fs/cgroup/a.slice/b"),
            ("0::/\n", UNIFIED, "/sys/fs/cgroup/", "/sys/fs/cgroup/"),
            // Both at once: the controller is where its hierarchy is.
            (
                "4:memory:/m\n1:cpuacct,cpu:/a\n0::/u\n",
                HYBRID,
                "/sys/fs/cgroup/cpu,cpuacct/a",
                "/sys/fs/cgroup/unified/u",
            ),
            ("4:memory:/m\n0::/u\n", HYBRID, "/sys/fs/cgroup/unified/u", "/sys/fs/cgroup/unified/u"),
            // Version 1 in a container that has no namespace of its own: the mount begins at its group.
            ("1:cpu:/docker/ab\n", container, "/sys/fs/cgroup/cpu", ""),
            ("1:cpu:/docker/ab/c\n", container, "/sys/fs/cgroup/cpu/c", ""),
            ("1:cpu:/docker/abc\n", container, "", ""),
            ("1:cpu:/b\n", &format!("{below}{HYBRID}"), "/sys/fs/cgroup/cpu,cpuacct/b", ""),
            // What lies outside of the namespace is not known.
            ("0::/\n", outside, "", ""),
            ("0::/../a\n", UNIFIED, "", ""),
            ("0::/a:b/..c\n", UNIFIED, "/sys/fs/cgroup/a:b/..c", "/sys/fs/cgroup/a:b/..c"),
            ("0::/c\n", spaced, "/a b\\/c", "/a b\\/c"),
            // Neither.
            ("0::/a\n", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n", "", ""),
            ("", UNIFIED, "", ""),
            ("", "", "", ""),
        ] {
            let place = |path: &str| (!path.is_empty()).then(|| PathBuf::from(path));
            let expected = Places { cpu: place(cpu), unified: place(unified) };
            assert_eq!(Places::find(groups.as_bytes(), mounts.as_bytes()), expected, "{groups} {mounts}");
        }
    }

    #[test]
    fn escapes_are_undone_and_what_only_looks_like_one_is_left() {
        for (word, expected) in [
            ("a\\040b", "a b"),
            ("\\134040", "\\040"),
            ("\\04", "\\04"),
            ("\\999", "\\999"),
            ("\\777", "\\777"),
        ] {
            assert_eq!(unescaped(word.as_bytes()), expected.as_bytes(), "{word}");
        }
    }

    #[test]
    fn no_content_of_the_files_is_a_panic() {
        garble(&[UNIFIED.as_bytes(), b"0::/a/b\n1:cpu,cpuacct:/a\n", HYBRID.as_bytes()], |bytes| {
            let _ = Places::find(bytes, HYBRID.as_bytes());
            let _ = Places::find(b"0::/a/b\n1:cpu:/a\n", bytes);
        });
    }
}
