//! Stands before the processes of one escrow, as a proxy does that asks who leads.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Begins to pass each connection on to the process that leads when it comes; the URL.
pub fn before(processes: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), processes) = (stream, processes.clone()) else { continue };
            // Who finds nobody that leads is cut off, and comes again.
            thread::spawn(move || processes.iter().find(|process| leads(process).unwrap_or(false)).map(|process| pass(stream, process)));
        }
    });
    url
}

/// Whether a process answers, and not that it stands by.
pub fn leads(process: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(process)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /v1/about HTTP/1.1\r\nhost: escrow\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer == *b"HTTP/1.1 200")
}

fn pass(client: TcpStream, process: &str) -> io::Result<()> {
    let server = TcpStream::connect(process)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let back = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || copy(back.0, back.1));
    copy(client, server);
    let _ = answers.join();
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    // The other direction ends, too.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
