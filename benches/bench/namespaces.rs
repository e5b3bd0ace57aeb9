//! The benchmark in namespaces of its own, where they are available: a network without a firewall, and
//! names that a real nameserver gives.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Cores, run_quietly};

/// Set in the process within the namespaces.
const INSIDE: &str = "SMOKER_BENCH_INSIDE";

/// The loopback device of a new network is down.
const SET_UP: [&str; 5] = ["link", "set", "dev", "lo", "up"];

/// As a pod of Kubernetes has it.
const RESOLV_CONF: &str = "nameserver 127.0.0.53\n\
    search smoker.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";

const HOSTS: &str = "127.0.0.1 smoker-server.smoker.svc.cluster.local\n\
    127.0.0.1 smoker-server-endpoints.smoker.svc.cluster.local\n\
    127.0.0.2 smoker-server-endpoints.smoker.svc.cluster.local\n\
    10.96.0.1 kubernetes.default.svc.cluster.local\n";

/// Runs this benchmark again in namespaces of its own: whether that was possible. It takes root, util-linux
/// and iproute2.
pub(crate) fn run_again() -> io::Result<bool> {
    if is_inside() {
        return run(Command::new("ip").args(SET_UP)).map(|()| false);
    }
    if !run_quietly(unshare().arg("ip").args(SET_UP)) {
        return Ok(false);
    }
    let status = unshare().arg(env::current_exe()?).args(env::args_os().skip(1)).env(INSIDE, "").status()?;
    if status.success() { Ok(true) } else { Err(io::Error::other("it failed in namespaces of its own")) }
}

/// Whether this is the process within.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// What runs in them ends with its first process, however that ends.
fn unshare() -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    unshare
}

/// Starts dnsmasq, on the core kept for servers, for the names of a server and of its two replicas. An error
/// is why that is not possible here.
pub(crate) fn serve_names(cores: Cores) -> io::Result<()> {
    if !is_inside() {
        return Err(io::Error::other("no namespaces here"));
    }
    let (hosts, pid) = (file("hosts"), file("dnsmasq.pid"));
    fs::write(&hosts, HOSTS)?;
    let mut dnsmasq = Command::new("dnsmasq");
    dnsmasq.args(["--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--bind-interfaces"]);
    dnsmasq.args(["--listen-address=127.0.0.53", "--local=/cluster.local/", "--log-facility=/dev/null"]);
    dnsmasq.arg(option("--addn-hosts", &hosts)).arg(option("--pid-file", &pid));
    // It goes to the background once it listens.
    run(&mut dnsmasq)?;
    cores.pin_server(fs::read_to_string(pid)?.trim().parse().map_err(io::Error::other)?);
    let resolv_conf = file("resolv.conf");
    fs::write(&resolv_conf, RESOLV_CONF)?;
    run(Command::new("mount").arg("--bind").arg(resolv_conf).arg("/etc/resolv.conf"))
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

fn run(command: &mut Command) -> io::Result<()> {
    let name = command.get_program().display().to_string();
    if run_quietly(command) { Ok(()) } else { Err(io::Error::other(format!("{name} failed"))) }
}
