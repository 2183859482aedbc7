//! Addresses for the processes of a test.

use std::net::SocketAddr;
use std::sync::Mutex;

use socket2::{Domain, Socket, Type};

/// An address on which nobody listens. No other process gets it while the tests of this one run, neither before its process listens nor between two runs of
/// it: a socket that does not listen holds it.
pub fn free_address() -> String {
    static HELD: Mutex<Vec<Socket>> = Mutex::new(Vec::new());
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // Elsewhere nobody could listen beside it.
    if cfg!(target_os = "linux") {
        HELD.lock().unwrap().push(socket);
    }
    address.to_string()
}
