// listen: a receiver on a local port, for looking at what comes.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <httplib.h>
#include <openssl/ssl.h>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/httplib/serve.hpp>
#include <fpt_webhooks/sender/ip_address.hpp>
#include <fpt_webhooks/testing_sender/transport_exchange.hpp>

#include "cli/certificates.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/duration.hpp"
#include "cli/http_status.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/listener.hpp"
#include "cli/output.hpp"
#include "cli/target.hpp"
#include "cli/workers.hpp"

namespace fpt_webhooks::cli {
namespace {

// Each request holds a thread, --delay or --forward included.
constexpr std::size_t requests_at_once_max = 32;

// At the end: an honest peer has its answer long before that, one that dawdles shall not decide when we end.
constexpr std::chrono::seconds peers_patience(3);

// Of a body that is refused: as much as one that a receiver takes has, so that honest peers see the answer.
constexpr std::size_t refused_body_bytes_max = body_bytes_max_default;

constexpr int requests_max = 1'000'000'000;  // that anybody counts to

constexpr const char* default_authority_file = "fpt-webhooks-ca.pem";

struct ListenOptions {
    SecretSource secrets = {};
    VendorOption vendor = {};
    TargetAccess forward_access = {};
    ListenerOptions listener = {};
    std::string address = "127.0.0.1";
    int port = 8443;
    std::string path = "/hooks";
    bool http = false;
    std::string authority_file = {};  // "": default_authority_file
    std::string identity_file = {};
    int delay_ms = 0;

    void add_to(CLI::App& app) {
        secrets.add_to(app);
        vendor.add_to(app);
        app.add_option("--address", address, "To listen on (127.0.0.1)")->type_name("ADDR");
        app.add_option("--port", port, "Port (8443); 0: any that is free")->type_name("N")->check(CLI::Range(0, 65535));
        app.add_option("--path", path, "Path of the endpoint (/hooks)")->type_name("PATH");
        auto* const plain = app.add_flag("--http", http, "Plain HTTP instead of HTTPS");
        app.add_option("--cacert-out", authority_file, "Where to write whom to trust (fpt-webhooks-ca.pem)")
            ->type_name("FILE")
            ->excludes(plain);
        app.add_option("--certificate", identity_file, "Certificate and key; made if the file is not there")
            ->type_name("FILE")
            ->excludes(plain);
        auto* const status = app.add_option("--status", listener.status, "Answer with this status");
        status->type_name("N")->check(CLI::Range(200, 599));
        app.add_option("--fail-first", listener.fail_first, "Fail the first N events: 500, or --status")
            ->type_name("N")
            ->check(CLI::Range(0, requests_max));
        app.add_option("--delay", delay_ms, "Wait so many milliseconds before each answer")
            ->type_name("MS")
            ->transform(count_of(std::chrono::milliseconds(1)))
            ->check(CLI::Range(0, 24 * 3600 * 1000));
        app.add_option("--forward", listener.forward_url, "Pass on what is verified; answer as that does")
            ->type_name("URL")
            ->excludes(status);
        forward_access.add_to(app);
        app.add_option("--record", listener.record_folder, "Keep each request as a file of raw HTTP")->type_name("DIR");
        app.add_option("--count", listener.count, "End after N requests")
            ->type_name("N")
            ->check(CLI::Range(0, requests_max));
    }
};

IpAddress checked_address(const ListenOptions& options) {
    if (const auto address = IpAddress::parse(options.address)) return *address;
    throw Failure(ExitStatus::usage, fmt::format("--address {}: not an IP address", options.address),
                  "127.0.0.1 and ::1 are this machine alone, 0.0.0.0 and :: everybody");
}

void check(const ListenOptions& options) {
    const bool visible =
        std::all_of(options.path.begin(), options.path.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!options.path.starts_with('/') || !visible || options.path.find_first_of("?#") != std::string::npos) {
        throw Failure(ExitStatus::usage, fmt::format("--path {}: not a path", options.path), "as in --path /hooks");
    }
    if (options.listener.fail_first > 0 && is_success(options.listener.status.value_or(500))) {
        throw Failure(ExitStatus::usage,
                      fmt::format("--fail-first with --status {}: that is no failure", *options.listener.status));
    }
}

bool is_unspecified(const IpAddress& address) {
    return std::all_of(address.bytes().begin(), address.bytes().end(), [](std::byte b) { return b == std::byte{0}; });
}

// Where this machine reaches it.
std::string url_of(const ListenOptions& options, const IpAddress& address, int port) {
    std::string host = address.to_string();
    if (is_unspecified(address)) host = address.is_v4() ? "127.0.0.1" : "::1";
    if (!address.is_v4()) host = "[" + host + "]";
    return fmt::format("{}://{}:{}{}", options.http ? "http" : "https", host, port, options.path);
}

// What the server shows, and what has to be written once it has its port: a listener that cannot start must not take
// away the files of the one that runs there.
struct ServerIdentity {
    Identity identity = {};
    std::string authority_pem = {};  // "": nothing was made
};

ServerIdentity find_identity(const ListenOptions& options, const IpAddress& address) {
    std::error_code ignored;
    if (!options.identity_file.empty() && std::filesystem::exists(options.identity_file, ignored)) {
        const std::string pem = read_input(options.identity_file);
        if (is_expired({pem, pem})) {
            throw Failure(ExitStatus::input, options.identity_file + ": holds an expired certificate",
                          "without that file listen makes a new one");
        }
        return {.identity = {pem, pem}};
    }
    IdentityOptions names = {.dns_names = {"localhost"}, .addresses = {"127.0.0.1", "::1"}};
    if (!is_unspecified(address)) names.addresses.push_back(address.to_string());
    const CertificateAuthority authority;
    return {.identity = authority.issue(names), .authority_pem = authority.certificate_pem()};
}

void write_certificates(const ListenOptions& options, const ServerIdentity& made, const Console& console) {
    if (made.authority_pem.empty()) {
        if (options.authority_file.empty()) return;
        throw Failure(ExitStatus::usage, "--cacert-out: the certificate was there before, and its authority with it",
                      fmt::format("remove {} to have both made anew", options.identity_file));
    }
    const std::string file = options.authority_file.empty() ? default_authority_file : options.authority_file;
    write_file(file, made.authority_pem);
    console.note(fmt::format("its certificate authority, for the sender's --cacert: {}", file));
    if (options.identity_file.empty()) return;
    write_file(options.identity_file, made.identity.certificate_pem + made.authority_pem + made.identity.key_pem, 0600);
    console.note(fmt::format("certificate and key, for the next start: {}", options.identity_file));
}

std::unique_ptr<httplib::Server> make_server(const ListenOptions& options, const Identity& identity) {
    if (options.http) return std::make_unique<httplib::Server>();
    std::string fault;
    auto server = std::make_unique<httplib::SSLServer>([&](SSL_CTX& context) {
        fault = use_identity(context, identity);
        return fault.empty() && SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1;
    });
    if (!fault.empty()) throw Failure(ExitStatus::input, fmt::format("{}: {}", options.identity_file, fault));
    return server;
}

// Requests that never get to the listener: other paths, other methods, what HttpLimits refuses.
void print_refused(const httplib::Request& request, int status, Console& console) {
    const Timestamp time = system_clock()->now();
    if (console.json) {
        JsonText json;
        json.begin_object().field("time", time).field("status", status).field("method", printable(request.method));
        return console.print(json.field("path", printable(request.path)).end_object().text());
    }
    console.print("{}  {}  {} {}", console.time(time), console.paint(Colour::red, std::to_string(status)),
                  printable(request.method), printable(request.path));
}

// Refuses what goes elsewhere than to the endpoint. httplib by itself would first keep its whole body in memory, and
// wait for one that was not announced. A part is read all the same: a connection that is closed with bytes unread is
// reset, and the peer may never see the answer.
void refuse_elsewhere(const httplib::Request& request, httplib::Response& response,
                      const httplib::ContentReader& read) {
    const bool announced = request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
    if (announced && !request.is_multipart_form_data()) {  // of which httplib would keep a line of any length
        std::size_t left = refused_body_bytes_max;
        read([&left](const char*, std::size_t size) {
            left -= std::min(left, size);
            return left > 0;
        });
    }
    response.status = 404;
}

void refuse_all_else(httplib::Server& server) {
    const char* const anywhere = R"([\s\S]*)";
    const httplib::Server::HandlerWithContentReader refuse = refuse_elsewhere;
    server.Post(anywhere, refuse).Put(anywhere, refuse).Patch(anywhere, refuse).Delete(anywhere, refuse);
    // The one other method whose body httplib reads.
    server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "PRI") return httplib::Server::HandlerResponse::Unhandled;
        response.status = 405;
        return httplib::Server::HandlerResponse::Handled;
    });
}

void set_up(httplib::Server& server, const ListenOptions& options, Listener& listener, Console& console) {
    // httplib calls the logger on the thread of the handler, behind it.
    static thread_local bool reached_listener = false;
    serve(server, options.path, [&listener](const HttpRequest& request) {
        reached_listener = true;
        return listener.answer(request);
    });
    refuse_all_else(server);
    server.set_logger([&](const httplib::Request& request, const httplib::Response& response) {
        try {
            if (!std::exchange(reached_listener, false)) print_refused(request, response.status, console);
        } catch (const Failure&) {
            listener.fail(std::current_exception());
        }
    });
    // By itself it would share its port with another listener of the same user.
    server.set_socket_options([](int socket) {
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.new_task_queue = [] { return new Workers(requests_at_once_max); };
    server.set_keep_alive_max_count(1);  // idle connections would hold up the end
}

// The accepted connections of the port: whoever reads from them or writes to them is told that they have ended.
void cut_connections(int port) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
        const int descriptor = std::atoi(entry.path().filename().c_str());
        sockaddr_in6 address = {};
        socklen_t length = sizeof address;
        if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) continue;
        const bool is_internet = address.sin6_family == AF_INET || address.sin6_family == AF_INET6;
        // The port stands in the same place of both families' addresses.
        if (is_internet && ntohs(address.sin6_port) == port) ::shutdown(descriptor, SHUT_RDWR);
    }
}

// The server at work, which stops when this ends.
class Serving {
  public:
    // Throws std::system_error without a thread for it.
    Serving(httplib::Server& server, int port, Stop& stop)
        : server_(server), port_(port), stop_(stop), served_(std::async(std::launch::async, [&server, &stop] {
              const std::unique_ptr<Stop, void (*)(Stop*)> at_end(&stop, [](Stop* end) { end->request(); });
              return server.listen_after_bind();
          })) {}
    ~Serving() {
        if (served_.valid()) end();
    }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

    // Until `stop`, or until the server fails: false. Throws what the server throws.
    [[nodiscard]] bool wait() {
        stop_.wait();
        end();
        return served_.get();
    }

  private:
    void end() {
        // Told to stop before it has begun, httplib does not hear it.
        while (!server_.is_running() && !ends_within(std::chrono::milliseconds(1))) {
        }
        server_.stop();
        if (!ends_within(peers_patience)) cut_connections(port_);
        served_.wait();
    }
    [[nodiscard]] bool ends_within(std::chrono::milliseconds time) const {
        return served_.wait_for(time) == std::future_status::ready;
    }

    httplib::Server& server_;
    const int port_;
    Stop& stop_;
    std::future<bool> served_;
};

// Until `stop`, or until the server fails: false.
bool serve_until(httplib::Server& server, int port, Stop& stop) {
    try {
        return Serving(server, port, stop).wait();
    } catch (const std::system_error& error) {
        throw Failure(ExitStatus::machine,
                      fmt::format("threads for {} requests at once: {}", requests_at_once_max, error.what()));
    }
}

// If it is not there. Requests hold personal data, and signatures that are still good.
void make_private_folder(const std::string& path) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path, error);
    if (made && !error) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
    if (error) throw Failure(ExitStatus::machine, path + ": " + error.message());
}

ListenerOptions listener_options(const ListenOptions& options) {
    ListenerOptions listener = options.listener;
    listener.profile = options.vendor.profile();
    listener.secrets = options.secrets.all();
    options.secrets.check(listener.secrets, options.vendor.scheme());
    listener.delay = std::chrono::milliseconds(options.delay_ms);
    if (!listener.forward_url.empty()) {
        TargetAccess access = options.forward_access;
        access.allowed.insert(access.allowed.end(), {"127.0.0.0/8", "::1", "localhost"});
        const auto policy = access.policy_for(listener.forward_url, true);
        listener.forward = testing::transport_exchange(access.transport(), policy);
    }
    if (!listener.record_folder.empty()) make_private_folder(listener.record_folder);
    return listener;
}

// The port. From here on the system accepts connections, for us to serve.
int bind(httplib::Server& server, const ListenOptions& options, const IpAddress& address) {
    errno = 0;
    const std::string host = address.to_string();
    int port = options.port;
    if (port == 0) {
        port = server.bind_to_any_port(host);
    } else if (!server.bind_to_port(host, port)) {
        port = -1;
    }
    if (port >= 0) return port;
    const std::string why = std::generic_category().message(errno);
    throw Failure(ExitStatus::machine, fmt::format("{} port {}: {}", options.address, options.port, why),
                  "choose another one with --port; 0 takes any that is free");
}

ExitStatus listen(const ListenOptions& options, Console& console) {
    const IpAddress address = checked_address(options);
    check(options);
    Stop stop;
    Listener listener(listener_options(options), console, stop);
    const ServerIdentity identity = options.http ? ServerIdentity{} : find_identity(options, address);
    const auto server = make_server(options, identity.identity);
    set_up(*server, options, listener, console);
    const int port = bind(*server, options, address);
    const std::string url = url_of(options, address, port);
    write_certificates(options, identity, console);
    console.json ? console.print(JsonText().begin_object().field("listening", url).end_object().text())
                 : console.print("listening on {}", url);
    const bool good = serve_until(*server, port, stop);
    if (const auto failure = listener.failure()) std::rethrow_exception(failure);
    if (!good) throw Failure(ExitStatus::machine, url + ": no more connections can be accepted");
    console.note(listener.summary());
    return ExitStatus::ok;
}

}  // namespace

void add_listen_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("listen", "A receiver on a local port, which shows what comes");
    const auto options = std::make_shared<ListenOptions>();
    options->add_to(*app);
    commands.push_back({app, [&console, options] { return listen(*options, console); }});
}

}  // namespace fpt_webhooks::cli
