// A receiver under test as a process: receiver_process <flaw, or "ours"> <listening socket> <folder>
#include <sys/prctl.h>

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fpt_webhooks/receiver/receiver.hpp>

#include "conformance/flawed_receiver.hpp"

namespace fw = fpt_webhooks;
using namespace conformance_test;

namespace {

[[noreturn]] void serve_ours(int listener, Work& work) {
    const auto receiver =
        fw::Receiver::create({.endpoint = "conformance", .secrets = {fw::Secret(current_secret)}}).value();
    receiver->on_any([&](const fw::EventView& event) { work.take_effect(event.envelope()->event_id.to_string()); });
    serve(listener, [&](const fw::HttpRequest& request) { return Answer{.response = receiver->handle(request)}; });
}

}  // namespace

int main(int argc, char* argv[]) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 4) return 2;
    const std::string_view name = argv[1];
    const int listener = std::atoi(argv[2]);
    Work work(argv[3]);
    if (name == our_receiver) serve_ours(listener, work);
    for (const auto& known : flaw_names) {
        if (known.name != name) continue;
        FlawedReceiver receiver(known.flaw, work);
        serve(listener, [&](const fw::HttpRequest& request) { return receiver.handle(request); },
              {.takes_cut_bodies = known.flaw == Flaw::takes_cut_bodies,
               .reads_body_once = known.flaw == Flaw::reads_body_once});
    }
    std::fprintf(stderr, "no such receiver: %s\n", argv[1]);
    return 2;
}
