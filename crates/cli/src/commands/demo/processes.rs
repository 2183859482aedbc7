//! The processes of a demonstration.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::Context;

use crate::output::Output;

/// A process of this program, which ends with its owner.
pub struct Process {
    child: Child,
    relays: Vec<JoinHandle<()>>,
    /// What it prints.
    lines: Receiver<String>,
}

impl Process {
    /// Starts this program with some arguments; every line that it prints is printed with its name.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(name: &str, arguments: &[OsString], output: Output) -> anyhow::Result<Self> {
        let program: PathBuf = std::env::current_exe().context("cannot find this program")?;
        let start = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = start.with_context(|| format!("cannot start the {name}"))?;
        let (sender, lines) = channel();
        let stdout = child.stdout.take().map(|lines| relay(name, lines, output, sender.clone()));
        let stderr = child.stderr.take().map(|lines| relay(name, lines, output, sender));
        Ok(Self { child, relays: stdout.into_iter().chain(stderr).collect(), lines })
    }

    /// Waits until it prints a line that begins with a word; gives the next word.
    ///
    /// # Errors
    ///
    /// It ends before.
    pub fn said(&self, first: &str) -> anyhow::Result<String> {
        let second = |line: String| {
            let mut words = line.split_whitespace();
            words.next().filter(|&word| word == first).and_then(|_| words.next()).map(str::to_owned)
        };
        self.lines.iter().find_map(second).with_context(|| format!("it has ended without a word about `{first}`"))
    }

    /// Waits until it ends by itself; gives its exit code, if it has one.
    ///
    /// # Errors
    ///
    /// It cannot be waited for.
    pub fn wait(mut self) -> anyhow::Result<Option<i32>> {
        let status = self.child.wait()?;
        self.finish();
        Ok(status.code())
    }

    fn finish(&mut self) {
        for relay in self.relays.drain(..) {
            // A relay that failed has nothing more to print.
            let _ = relay.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already. Its state is made for being killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.finish();
    }
}

/// An address on this machine that was free a moment ago.
///
/// # Errors
///
/// There is none.
pub fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on this machine")?;
    Ok(listener.local_addr()?.to_string())
}

fn relay(name: &str, lines: impl std::io::Read + Send + 'static, output: Output, said: Sender<String>) -> JoinHandle<()> {
    let name = format!("{name:>9}");
    thread::spawn(move || {
        for line in BufReader::new(lines).lines().map_while(Result::ok) {
            output.line(&format!("{name} | {line}"));
            // Nobody listens any more once it is being ended.
            let _ = said.send(line);
        }
    })
}
