//! Somebody who stands between parties and an escrow, and may even have its key.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use verinfer_escrow_client::messages::ANSWER_HEADER;
use verinfer_protocols::answer::{Answer, SignedAnswer, SignedCertificate};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;

/// What is made of the first answer that was seen and the present one.
pub type Change = Box<dyn Fn(&[u8], &[u8]) -> Vec<u8> + Send>;

/// How a question is passed on.
pub type Pass = fn(&mut TcpStream, &[u8]);

/// Stands between parties and an escrow: passes on what parties ask, and what comes back, each as it is told to.
pub struct Between {
    pub address: SocketAddr,
    way: Arc<Mutex<Way>>,
}

#[derive(Default)]
struct Way {
    first: Option<Vec<u8>>,
    spoil: Option<Change>,
    pass: Option<Pass>,
}

impl Between {
    pub fn start(escrow: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, way) = (listener.local_addr().unwrap(), Arc::<Mutex<Way>>::default());
        let shared = way.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut party, way) = (stream.unwrap(), shared.clone());
                thread::spawn(move || {
                    let mut server = TcpStream::connect(escrow).unwrap();
                    while let Some(asked) = message(&mut party) {
                        let pass = way.lock().unwrap().pass;
                        match pass {
                            Some(pass) => pass(&mut server, &asked),
                            None => server.write_all(&asked).unwrap(),
                        }
                        let Some(answer) = message(&mut server) else { return };
                        let mut way = way.lock().unwrap();
                        let first = way.first.get_or_insert_with(|| answer.clone()).clone();
                        let given = way.spoil.as_ref().map_or_else(|| answer.clone(), |spoil| spoil(&first, &answer));
                        drop(way);
                        // Who asks may have gone.
                        let _ = party.write_all(&given);
                    }
                });
            }
        });
        Self { address, way }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, answers are changed so.
    pub fn spoil(&self, spoil: impl Fn(&[u8], &[u8]) -> Vec<u8> + Send + 'static) {
        self.way.lock().unwrap().spoil = Some(Box::new(spoil));
    }

    /// From now on, questions are passed on so.
    pub fn pass(&self, pass: Pass) {
        self.way.lock().unwrap().pass = Some(pass);
    }

    /// From now on, everything goes its way.
    pub fn leave_alone(&self) {
        let mut way = self.way.lock().unwrap();
        (way.spoil, way.pass) = (None, None);
    }
}

/// One HTTP message with its body.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// An answer as the escrow itself would give it that lies so.
pub fn lying(key: &SecretKey, answer: &[u8], lie: impl FnOnce(&mut Answer, &mut String)) -> Vec<u8> {
    certified(key, None, answer, lie)
}

/// The same, with a key that the escrow has certified.
pub fn certified(
    key: &SecretKey,
    certificate: Option<SignedCertificate>,
    answer: &[u8],
    lie: impl FnOnce(&mut Answer, &mut String),
) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let header = format!("{ANSWER_HEADER}: ");
    let signed = head.lines().find_map(|line| line.strip_prefix(&header)).unwrap();
    let (mut said, mut body) = (serde_json::from_str::<SignedAnswer>(signed).unwrap().answer, body.to_owned());
    lie(&mut said, &mut body);
    said.body = Digest::of_bytes(body.as_bytes());
    let status = said.status;
    let signed = serde_json::to_string(&SignedAnswer::sign(said, certificate, key)).unwrap();
    format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{header}{signed}\r\n\r\n{body}", body.len()).into_bytes()
}
