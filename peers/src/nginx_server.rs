//! [`NginxServer`]: a real nginx.

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A running nginx with files of its own, over plain http and over TLS with HTTP/2. It ends with this value.
///
/// | path | |
/// |---|---|
/// | `/text` | [`TEXT`](Self::text), compressed for who accepts gzip |
/// | `/blob` | [`blob`](Self::blob), in ranges for who asks for them |
/// | `/files/…` | kept by `PUT`, given back by `GET` |
/// | `/small/…` | the same, up to 64 KiB |
/// | `/upstream/…` | what the server behind it answers |
/// | `/status/CODE` | 204, 301, 404, 429, 503 |
/// | `/connections` | how many connections there are |
///
/// Every response says in `x-connection` which connection it came over, in `x-requests` how many requests that one has had,
/// and in `x-protocol` which HTTP was spoken.
pub struct NginxServer {
    process: Child,
    folder: Folder,
    ports: Ports,
    root_certificate: String,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
struct Ports {
    plain: u16,
    tls: u16,
    brief: u16,
    brief_tls: u16,
}

impl NginxServer {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When it cannot be started, with the remedy.
    #[must_use]
    pub fn start() -> Self {
        // Nobody listens there.
        Self::start_before(SocketAddr::from((Ipv4Addr::LOCALHOST, 9)))
    }

    /// Starts one that passes `/upstream/…` on to the server at `upstream`.
    ///
    /// # Panics
    ///
    /// When it cannot be started, with the remedy.
    #[must_use]
    pub fn start_before(upstream: SocketAddr) -> Self {
        Self::start_program(&installed(), upstream)
    }

    fn start_program(program: &Path, upstream: SocketAddr) -> Self {
        let folder = Folder::create();
        let root_certificate = folder.write_certificates();
        folder.write("files/text", &Self::text());
        folder.write("files/blob", &Self::blob());
        // nginx cannot ask the system for a port. Another process may be quicker to take those that we are given.
        let mut log = Vec::new();
        for _ in 0..20 {
            let ports = free_ports();
            folder.write("nginx.conf", configuration(&folder.0, ports, upstream).as_bytes());
            match run(program, &folder.0) {
                Ok(process) => return Self { process, folder, ports, root_certificate },
                Err(lines) => log = lines,
            }
            if !log.iter().any(|line| line.contains("Address already in use")) {
                break;
            }
        }
        panic!("nginx does not start: {}", log.join("\n"));
    }

    /// Where it speaks HTTP/1.1.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.plain)
    }

    /// Where it speaks TLS, and offers HTTP/2.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.tls)
    }

    /// Where it says `hello` over HTTP/1.1, and closes a connection that is idle for 10 ms.
    #[must_use]
    pub fn brief_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.brief)
    }

    /// The same as [`brief_url`](Self::brief_url), over TLS.
    #[must_use]
    pub fn brief_tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.brief_tls)
    }

    /// What signed its certificate, as PEM.
    #[must_use]
    pub fn root_certificate(&self) -> &str {
        &self.root_certificate
    }

    /// What is at `/text`.
    #[must_use]
    pub fn text() -> Vec<u8> {
        "All work and no play makes Jack a dull boy.\n".repeat(500).into_bytes()
    }

    /// What is at `/blob`: 4 MiB in which no two places look alike.
    #[must_use]
    pub fn blob() -> Vec<u8> {
        (0..1u32 << 20).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
    }
}

impl Drop for NginxServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl fmt::Debug for NginxServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NginxServer")
            .field("ports", &self.ports)
            .field("folder", &self.folder.0)
            .finish_non_exhaustive()
    }
}

/// Debian puts it where only root's `PATH` leads.
fn installed() -> PathBuf {
    let system = PathBuf::from("/usr/sbin/nginx");
    if system.exists() { system } else { PathBuf::from("nginx") }
}

/// Ports that nobody has.
fn free_ports() -> Ports {
    let listeners: [TcpListener; 4] = std::array::from_fn(|_| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has free ports")
    });
    let [plain, tls, brief, brief_tls] =
        listeners.map(|listener| listener.local_addr().expect("it has an address").port());
    Ports { plain, tls, brief, brief_tls }
}

/// Runs nginx until it serves.
///
/// # Errors
///
/// What it said, when it ended instead.
fn run(program: &Path, folder: &Path) -> Result<Child, Vec<String>> {
    let started = Command::new(program)
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        // What it says before it has read where to say it.
        .args(["-e", "stderr"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut process = match started {
        Ok(process) => process,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            panic!("nginx is not installed: `apt-get install nginx`, or run scripts/test.sh")
        }
        Err(error) => panic!("nginx does not start: {error}"),
    };
    let output = process.stderr.take().expect("its output is piped");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines.by_ref() {
        // Its sockets listen by then.
        if line.contains("event method") {
            // A pipe that nobody reads would stop it one day.
            drop(thread::spawn(move || lines.for_each(drop)));
            return Ok(process);
        }
        said.push(line);
    }
    drop(process.wait());
    Err(said)
}

/// One process, so that nothing is left when it is killed.
fn configuration(folder: &Path, ports: Ports, upstream: SocketAddr) -> String {
    let Ports { plain, tls, brief, brief_tls } = ports;
    let folder = folder.display();
    format!(
        r#"
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr notice;
worker_rlimit_nofile 4096;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    keepalive_timeout 60s;
    keepalive_requests 100000;
    client_max_body_size 16m;
    large_client_header_buffers 4 8k;
    gzip on;
    gzip_http_version 1.1;
    gzip_types text/plain;
    add_header x-connection $connection always;
    add_header x-requests $connection_requests always;
    add_header x-protocol $server_protocol always;
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl http2;
        root {folder}/files;
        autoindex off;
        location = /text {{ default_type text/plain; }}
        location = /blob {{ }}
        location /files/ {{
            root {folder}/kept;
            dav_methods PUT;
            create_full_put_path on;
        }}
        location /small/ {{
            root {folder}/kept;
            dav_methods PUT;
            create_full_put_path on;
            client_max_body_size 64k;
        }}
        location /upstream/ {{
            proxy_pass http://{upstream}/;
            proxy_http_version 1.1;
            proxy_request_buffering off;
        }}
        location = /connections {{ stub_status; }}
        location = /status/204 {{ return 204; }}
        location = /status/301 {{ return 301 /text; }}
        location = /status/404 {{ return 404; }}
        location = /status/429 {{ add_header retry-after 7 always; return 429; }}
        location = /status/503 {{ return 503; }}
    }}
    server {{
        listen 127.0.0.1:{brief};
        listen 127.0.0.1:{brief_tls} ssl http2;
        keepalive_timeout 10ms;
        location / {{ return 200 hello; }}
    }}
}}
"#
    )
}

/// A temporary folder, which goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("midil-nginx-{}-{number}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        for sub in ["files", "kept", "temp"] {
            fs::create_dir_all(folder.0.join(sub)).expect("there is room for temporary files");
        }
        folder
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.0.join(name), content).expect("there is room for temporary files");
    }

    /// A certificate for 127.0.0.1 and its key; returns what signed it.
    fn write_certificates(&self) -> String {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        root.distinguished_name.push(rcgen::DnType::CommonName, "midil-http tests");
        let pem = root.self_signed(&key).expect("a certificate").pem();
        let issuer = rcgen::Issuer::new(root, key);

        let key = rcgen::KeyPair::generate().expect("a key");
        let mut server = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        server.distinguished_name.push(rcgen::DnType::CommonName, "127.0.0.1");
        let server = server.signed_by(&key, &issuer).expect("a certificate");
        self.write("chain.pem", format!("{}{pem}", server.pem()).as_bytes());
        self.write("key.pem", key.serialize_pem().as_bytes());
        pem
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(program: &str) -> NginxServer {
        NginxServer::start_program(Path::new(program), SocketAddr::from(([127, 0, 0, 1], 9)))
    }

    #[test]
    #[should_panic = "nginx is not installed: `apt-get install nginx`, or run scripts/test.sh"]
    fn what_is_missing_is_named_with_the_remedy() {
        drop(start("no-such-nginx"));
    }

    #[test]
    #[should_panic = "nginx does not start"]
    fn what_is_no_nginx_does_not_hang() {
        drop(start("true"));
    }
}
