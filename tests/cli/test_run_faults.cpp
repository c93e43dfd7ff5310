// `fpt-webhooks run` among peers, readers and files that hang: it hears its signals, and ends when it is told to.
#include <algorithm>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/test_run_site.hpp"

using namespace run_test;

namespace {

int connect_to(int port) {
    const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return peer;
}

void send_all(int peer, std::string_view bytes) {
    REQUIRE(send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

// A peer of the metrics port that sends one byte of a header each second, until it is cut off.
class DrippingPeer {
  public:
    explicit DrippingPeer(const RunningProgram& program) : peer_(connect_to(metrics_port(program))) {
        send_all(peer_, "GET /metrics HTTP/1.1\r\nX: ");
        REQUIRE(get(program, "/healthz").status == 200);  // accepted after this one, so this one is served
        thread_ = std::jthread([this] {
            pollfd entry{.fd = peer_, .events = POLLRDHUP, .revents = 0};
            while (poll(&entry, 1, 1000) == 0 && send(peer_, "x", 1, MSG_NOSIGNAL) == 1) {
            }
        });
    }
    ~DrippingPeer() {
        shutdown(peer_, SHUT_RDWR);
        thread_.join();
        close(peer_);
    }
    DrippingPeer(const DrippingPeer&) = delete;
    DrippingPeer& operator=(const DrippingPeer&) = delete;

  private:
    int peer_;
    std::jthread thread_;
};

// A named pipe that is open at both ends here, so that nobody who opens it waits.
class NamedPipe {
  public:
    explicit NamedPipe(const std::string& path) {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        descriptor_ = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        REQUIRE(descriptor_ >= 0);
    }
    ~NamedPipe() { close(descriptor_); }
    NamedPipe(const NamedPipe&) = delete;
    NamedPipe& operator=(const NamedPipe&) = delete;

    void fill() const {
        const std::string page(4096, '.');
        while (write(descriptor_, page.data(), page.size()) > 0) {
        }
    }
    // What is there now.
    [[nodiscard]] std::string read_all() const {
        std::string all;
        char piece[4096];
        for (ssize_t count = 0; (count = read(descriptor_, piece, sizeof piece)) > 0;) {
            all.append(piece, static_cast<std::size_t>(count));
        }
        return all;
    }

  private:
    int descriptor_ = -1;
};

// The only child of this process that runs.
pid_t child_process() {
    std::ifstream children("/proc/thread-self/children");
    pid_t child = 0;
    children >> child;
    return child;
}

// Looks again and again, up to 30 s: what another process does wakes nobody here.
template <class Condition>
bool wait_until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

// Has the program opened this file, so that it reads it now? Until it is run, the process has our own descriptors.
bool has_open(pid_t process, const std::string& path) {
    std::error_code ignored;
    const auto image = std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/exe", ignored);
    if (image.filename() != "fpt-webhooks") return false;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", ignored)) {
        if (std::filesystem::read_symlink(entry, ignored) == path) return true;
    }
    return false;
}

// Would this signal run a handler?
bool handles(pid_t process, int signal) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string word; status >> word;) {
        if (word != "SigCgt:") continue;
        status >> word;
        return (std::stoull(word, nullptr, 16) >> (signal - 1) & 1) != 0;
    }
    return false;
}

// Shuts the socket down on which `process` listens, as no peer could.
void stop_listening(pid_t process) {
    const int handle = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
    REQUIRE(handle >= 0);
    bool found = false;
    for (int number = 3; number < 100; ++number) {
        const int copy = static_cast<int>(syscall(SYS_pidfd_getfd, handle, number, 0));
        if (copy < 0) continue;
        int listens = 0;
        socklen_t size = sizeof listens;
        if (getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0) {
            found = true;
            shutdown(copy, SHUT_RD);
        }
        close(copy);
    }
    close(handle);
    REQUIRE(found);
}

}  // namespace

// ---- the end

TEST_CASE("fpt-webhooks run: a metrics peer that never finishes its request does not keep it from ending") {
    const Site site;
    const auto program = site.start({"--metrics-port", "0"});
    const DrippingPeer peer(*program);
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: the first signal after its store was taken over does not end it at once") {
    Site site;
    const auto program = site.start({"--metrics-port", "0"});
    const DrippingPeer peer(*program);                                    // it is still there when the signal comes
    std::filesystem::remove(site.folder.file("webhooks.db-dispatcher"));  // what docs/store.md says never to do
    REQUIRE(site.store->acquire(system_clock()->now()));
    site.subscribe("https://127.0.0.1:1/");
    site.publish(1);
    REQUIRE(program->wait_for_error("event=fenced"));
    CHECK(terminate(*program).status == 4);
}

TEST_CASE("fpt-webhooks run: a signal ends it while it reads its key") {
    const Site site;
    const std::string path = site.folder.file("slow-key");
    const NamedPipe key(path);
    RunningProgram program({"run", "--store", site.folder.file(), "--key-file", path});
    const pid_t child = child_process();
    REQUIRE(wait_until([&] { return has_open(child, path); }));
    program.signal(SIGINT);
    CHECK(program.wait().status == 128 + SIGINT);
}

// ThreadSanitizer keeps a signal back while a system call blocks.
#if !defined(__SANITIZE_THREAD__)
TEST_CASE("fpt-webhooks run: a second signal ends it even while a reload hangs") {
    const Site site;
    const std::string authorities = site.folder.file("authorities");
    write_file(authorities, site.authority.certificate_pem());
    RunningProgram program({"run", "--store", site.folder.file(), "--key-file", site.key, "--cacert", authorities});
    REQUIRE(program.wait_for("running"));
    std::filesystem::remove(authorities);
    const NamedPipe pipe(authorities);
    program.signal(SIGHUP);
    const pid_t child = child_process();
    REQUIRE(wait_until([&] { return has_open(child, authorities); }));
    program.signal(SIGTERM);
    REQUIRE(wait_until([&] { return !handles(child, SIGTERM); }));  // the first has been heard
    program.signal(SIGINT);
    CHECK(program.wait().status == 128 + SIGINT);
}
#endif

// ---- the metrics port

TEST_CASE("fpt-webhooks run: bodies of requests to its metrics port are not read") {
    const Site site;
    const auto program = site.start({"--metrics-port", "0"});
    const int peer = connect_to(metrics_port(*program));
    send_all(peer, "POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    char answer[12] = "";
    CHECK(recv(peer, answer, sizeof answer, MSG_WAITALL) == sizeof answer);
    close(peer);
    CHECK(std::string(answer, sizeof answer) == "HTTP/1.1 405");
    CHECK(get(*program, "/metrics").status == 200);
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: the log says that the metrics port answers no more") {
    const Site site;
    const auto program = site.start({"--metrics-port", "0"});
    REQUIRE(get(*program, "/healthz").status == 200);
    stop_listening(child_process());
    CHECK(program->wait_for_error("level=error event=metrics_failed"));
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: the health is bad while its store cannot be read") {
    Site site;
    const auto program = site.start({"--metrics-port", "0"});
    const auto rename = [&](const std::string& from, const std::string& to) {
        const WriteLock lock(site.folder.file());
        lock.run("ALTER TABLE " + from + " RENAME TO " + to + "; COMMIT");
    };
    rename("fpt_webhooks_subscription", "moved");
    const Page bad = get_until(*program, "/healthz", [](const Page& got) { return got.status == 503; });
    CHECK(contains(bad.body, "no such table"));
    rename("moved", "fpt_webhooks_subscription");
    CHECK(get_until(*program, "/healthz", [](const Page& got) { return got.status == 200; }).body == "ok\n");
    CHECK(terminate(*program).status == 0);
}

// ---- the log

TEST_CASE("fpt-webhooks run: a log that nobody reads keeps it from nothing, and what is lost is counted") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const std::string path = site.folder.file("log");
    const NamedPipe log(path);
    log.fill();
    std::string line = "fpt-webhooks";
    for (const std::string& option : site.options({"--metrics-port", "0"})) line += " '" + option + "'";
    const auto program = RunningProgram::from_shell(line + " 2> " + path);
    REQUIRE(program->wait_for("running"));  // after the log's first line
    program->signal(SIGHUP);                // two more
    CHECK(get_until(*program, "/metrics", [](const Page& page) { return page.status == 200; }).status == 200);
    site.publish(1);
    CHECK(server.wait_for_requests(1));
    (void)log.read_all();
    CHECK(terminate(*program).status == 0);
    const std::string written = log.read_all();
    CHECK(contains(written, "level=warning event=log_lost lines="));
    CHECK(contains(written, "event=stopping"));
    CHECK(contains(written, "event=stopped\n"));
}

TEST_CASE("fpt-webhooks run: told to end while nobody reads its log, it ends") {
    const Site site;
    const std::string path = site.folder.file("log");
    const NamedPipe log(path);
    log.fill();
    std::string line = "fpt-webhooks";
    for (const std::string& option : site.options()) line += " '" + option + "'";
    const auto program = RunningProgram::from_shell(line + " 2> " + path);
    REQUIRE(program->wait_for("running"));
    CHECK(terminate(*program).status == 0);
}

// ---- reloading

TEST_CASE("fpt-webhooks run: told to reload while its store is locked, it waits for the store") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const bool ends = GENERATE(false, true);
    const auto program = site.start({"--metrics-port", "0"});
    auto lock = std::make_unique<WriteLock>(site.folder.file());
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("level=error event=store_failed"));
    const Page bad = get_until(*program, "/healthz", [](const Page& page) { return page.status == 503; });
    CHECK(contains(bad.body, "store busy"));
    if (ends) {
        CHECK(terminate(*program).status == 0);
        return;
    }
    lock.reset();
    REQUIRE(program->wait_for_error("event=reloaded"));
    CHECK(get(*program, "/healthz").body == "ok\n");
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: a config that has become a pipe is refused, and it still hears its signals") {
    const Site site;
    const std::string config = site.folder.file("run.toml");
    write_file(config, "jitter = 5\n");
    const auto program = site.start({"--config", config});
    std::filesystem::remove(config);
    const NamedPipe pipe(config);
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("event=reload_refused"));
    REQUIRE(program->wait_for_error("run.toml: no regular file"));
    CHECK(terminate(*program).status == 0);
}

// The sanitizers end the process themselves when they get no memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("fpt-webhooks run: a reload for which there is no memory is refused") {
    const Site site;
    const auto program = site.start({"--poll-interval", "1d"});  // nothing else asks for memory meanwhile
    const pid_t child = child_process();
    const rlimit none{.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    rlimit before{};
    REQUIRE(prlimit(child, RLIMIT_AS, &none, &before) == 0);
    program->signal(SIGHUP);
    CHECK(program->wait_for_error("event=reload_refused"));
    REQUIRE(prlimit(child, RLIMIT_AS, &before, nullptr) == 0);
    CHECK(terminate(*program).status == 0);
}
#endif

TEST_CASE("fpt-webhooks run: another store or another key cannot be had by a reload") {
    const Site site;
    const std::string config = site.folder.file("run.toml");
    const auto config_with = [&](const std::string& store, const std::string& key) {
        write_file(config, "store = \"" + store + "\"\n" + key + "\ncacert = \"" + site.authority_file.path() + "\"\n");
    };
    const std::string key = "key-file = \"" + site.key + "\"";
    config_with(site.folder.file(), key);
    RunningProgram program({"run", "--config", config});
    REQUIRE(program.wait_for("running"));
    std::size_t logged = 0;
    const auto refuses = [&](const std::string& option) {
        program.signal(SIGHUP);
        const auto end = program.wait_for_error(option + ": cannot change while it runs", logged);
        CAPTURE(program.err());
        REQUIRE(end);
        logged = *end;
    };
    config_with(site.folder.file("other.db"), key);
    refuses("--store");
    config_with(site.folder.file(), "key-file = \"" + site.folder.file("other") + "\"");
    refuses("--key-file");
    config_with(site.folder.file(), "key-env = \"OTHER\"");
    refuses("--key-file");
    CHECK(terminate(program).status == 0);
    CHECK_FALSE(std::filesystem::exists(site.folder.file("other.db")));
}

TEST_CASE("fpt-webhooks run: SIGHUP reads the authorities of endpoints again") {
    Site site;
    const CertificateAuthority other;
    const Server server(answer_always(response_of(200)),
                        {.identity = other.issue({.dns_names = {}, .addresses = {"127.0.0.1"}})});
    site.subscribe(server.url());
    const std::string authorities = site.folder.file("authorities");
    write_file(authorities, site.authority.certificate_pem());
    RunningProgram program({"run", "--store", site.folder.file(), "--key-file", site.key, "--cacert", authorities,
                            "--allow-address", "127.0.0.1", "--retry-delays", "10ms,10ms,10ms"});
    REQUIRE(program.wait_for("running"));
    site.publish(1);
    REQUIRE(program.wait_for_error("event=exhausted"));
    CHECK(server.requests() == 0);
    write_file(authorities, site.authority.certificate_pem() + other.certificate_pem());
    program.signal(SIGHUP);
    REQUIRE(program.wait_for_error("event=reloaded"));
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    CHECK(terminate(program).status == 0);
}

// ---- descriptors

TEST_CASE("fpt-webhooks run: raises the soft limit of open files to what it needs") {
    const Site site;
    std::string line = "bash -c 'ulimit -Sn 100 && exec fpt-webhooks";
    for (const std::string& option : site.options()) line += " " + option;
    const auto program = RunningProgram::from_shell(line + "'");
    CHECK(program->wait_for("running\n"));
    CHECK(terminate(*program).status == 0);
}
