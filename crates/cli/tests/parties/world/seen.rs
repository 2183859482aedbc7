//! What each player has seen of a run that has ended, as the bytes that it could search.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use verinfer_parties::Store;
use verinfer_protocols::digest::AgreementId;

use super::{World, has_come_to_its_end, stop};

/// How long a party that serves has to forget what is over.
const FORGETTING: Duration = Duration::from_secs(30);

/// A run that has ended.
pub struct Seen {
    /// What the escrow and the party that serves show to anybody.
    pub stranger: Vec<u8>,
    /// The escrow's database and what it printed.
    pub operator: Vec<u8>,
    /// What the party that serves, and the one that asks, have on disk and have printed.
    pub server: Vec<u8>,
    pub asker: Vec<u8>,
    /// Their states.
    pub states: [Store; 2],
}

impl World {
    /// Waits until the one that asks has come to its end and the one that serves has forgotten the agreement; then all stop.
    pub fn look(mut self) -> Seen {
        let start = Instant::now();
        while self.children[2].try_wait().unwrap().is_none() {
            assert!(start.elapsed() < super::LIMIT, "stuck:\n{}\n{}", self.printed(1), self.printed(2));
            sleep(Duration::from_millis(50));
        }
        let status = self.children[2].wait().unwrap();
        assert!(has_come_to_its_end(status), "{status}:\n{}\n{}", self.printed(1), self.printed(2));
        let account = self.escrow.account_of(self.accounts[0]).unwrap();
        let agreement = account.agreements[0].id;
        let stranger = self.shown(agreement);

        // That it is open is the last that is forgotten: scope and name of a value are side by side.
        let open = format!("open{agreement}");
        let state = |name: &str| self.folder.path().join(name);
        let deadline = Instant::now() + FORGETTING;
        while holds(&fs::read(state("server.state")).unwrap(), open.as_bytes()) && Instant::now() < deadline {
            sleep(Duration::from_millis(50));
        }
        self.children.iter_mut().for_each(stop);

        let read = |names: &[&str]| -> Vec<u8> {
            let mut all = Vec::new();
            for entry in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
                let name = entry.file_name().into_string().unwrap();
                if names.iter().any(|begin| name.starts_with(begin)) && entry.path().is_file() {
                    all.extend(fs::read(entry.path()).unwrap());
                    // Nothing is found across two files.
                    all.push(0);
                }
            }
            all
        };
        let operator = read(&["escrow.db", "0.log", "operator"]);
        let [server, asker] = [read(&["server", "1.log"]), read(&["asker", "2.log"])];
        let states = ["server.state", "asker.state"].map(|name| Store::open(&state(name)).unwrap());
        Seen { stranger, operator, server, asker, states }
    }

    /// All that is shown without a signature.
    fn shown(&self, agreement: AgreementId) -> Vec<u8> {
        let [escrow, server] = &self.urls;
        let mut paths: Vec<String> = ["/", "/v1/about", "/v1/log"].iter().map(|path| format!("{escrow}{path}")).collect();
        paths.extend([format!("{escrow}/agreements/{agreement}"), format!("{escrow}/v1/agreements/{agreement}")]);
        paths.extend(self.accounts.iter().map(|account| format!("{escrow}/v1/accounts/{account}")));
        paths.push(format!("{server}/v1/about"));
        let read =
            |path: &String| ureq::get(path).call().unwrap_or_else(|error| panic!("{path}: {error}")).body_mut().read_to_vec().unwrap();
        paths.iter().flat_map(|path| [read(path), vec![0]].concat()).collect()
    }
}

/// Whether some bytes are among others.
pub fn holds(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}
