// Receives FPT webhooks at /fpt and UFP webhooks at /ufp in one program, and says why a request was refused. Needs the
// component fpt_webhooks::httplib.
//
//   FPT_SECRET=whsec_... UFP_SECRET=... receive_both 8080
#include <cstdio>
#include <cstdlib>

#include <fpt_webhooks/httplib.hpp>

namespace fw = fpt_webhooks;

// A log line for each 401; on a public address one in a while would do, since a stranger can make it work.
fw::HttpHandler explained(const fw::Receiver& receiver, fw::VerifierOptions options) {
    return [&receiver, options](const fw::HttpRequest& request) {
        fw::HttpResponse response = receiver.handle(request);
        if (response.status == 401) std::puts(fw::explain(request, options).to_string().c_str());
        std::fflush(stdout);
        return response;
    };
}

int main(int argc, char* argv[]) {
    const char* fpt_secret = std::getenv("FPT_SECRET");
    const char* ufp_secret = std::getenv("UFP_SECRET");
    if (argc != 2 || !fpt_secret || !ufp_secret) {
        return std::fputs("usage: FPT_SECRET=... UFP_SECRET=... receive_both <port>\n", stderr), 2;
    }
    const std::vector<fw::TimedSecret> fpt_secrets{fw::Secret(fpt_secret)};
    const std::vector<fw::TimedSecret> ufp_secrets{fw::Secret(ufp_secret)};

    const auto fpt = fw::Receiver::create({.endpoint = "fpt", .secrets = fpt_secrets}).value();
    fpt->on("contact.*",
            [](const fw::EventView& event) { std::printf("FPT %s\n", std::string(event.type()).c_str()); });
    // Its signatures carry no time: a store that outlives the process would also refuse what is sent again after it.
    const auto ufp =
        fw::Receiver::create({.endpoint = "ufp", .profile = fw::Profile::ufp, .secrets = ufp_secrets}).value();
    ufp->on("newlead_created",
            [](const fw::EventView& event) { std::printf("UFP %s\n", std::string(event.type()).c_str()); });

    httplib::Server server;
    fw::serve(server, "/fpt", explained(*fpt, {.scheme = fw::Scheme::fpt, .secrets = fpt_secrets}));
    fw::serve(server, "/ufp", explained(*ufp, {.scheme = fw::Scheme::ufp, .secrets = ufp_secrets}));
    if (!server.bind_to_port("127.0.0.1", std::atoi(argv[1]))) return std::perror("bind"), 1;
    std::puts("listening");
    std::fflush(stdout);
    server.listen_after_bind();
}
