// Publishes FPT events durably and delivers them: the README's sender, as a backend service has it. Needs
// fpt_webhooks::fpt_webhooks.
//
// Usage: STORE_KEY=<64 hex digits> fpt_webhooks_example_produce <database> <https url> [<CA file> <allowed address>...]
// The last two are for an endpoint on your own machine or network. Prints the signing secret when it creates the
// subscription; exit status 0 when everything was delivered.

// [produce]
#include <cstdio>

#include <fpt_webhooks/fpt_webhooks.hpp>

namespace fw = fpt_webhooks;

// Made once, with start(). Options that you leave out: HTTPS to public addresses only, FPT's and UFP's retries.
std::unique_ptr<fw::Dispatcher> make_dispatcher(fw::SqliteStoreOptions store, fw::CurlTransportOptions transport,
                                                std::shared_ptr<const fw::EndpointPolicy> policy) {
    fw::DispatcherOptions options;
    options.store = fw::SqliteStore::open(std::move(store)).value();
    options.transport = fw::CurlTransport::create(std::move(transport)).value();
    options.policy = std::move(policy);
    options.on_notice = [](const fw::Notice& notice) {
        std::printf("subscription %d: %s\n", notice.subscription.value(), std::string(to_string(notice.kind)).c_str());
    };
    return fw::Dispatcher::create(std::move(options)).value();
}

// Durable when it returns true. After an error keep the event and publish it again: the same event is stored once.
bool contact_moved(fw::Dispatcher& dispatcher, const fw::ContactStatusChanged& change, fw::LocationId location) {
    const auto event = dispatcher.make_event(change, {.location = location, .organization = fw::OrganizationId(5678)});
    const auto published = event ? dispatcher.publish(*event) : event.error();
    if (!published) std::fprintf(stderr, "not published: %s\n", published.error().message().c_str());
    return published.has_value();
}
// [produce]

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

constexpr fw::LocationId location(1234);
constexpr fw::Actor admin{.role = fw::Role::location_admin, .location = location};

// Whose webhooks go where is kept in the store: created at the first start, found at all later ones.
void subscribe_once(fw::Dispatcher& dispatcher, const std::string& url) {
    if (!dispatcher.subscriptions(admin).value().subscriptions.empty()) return;
    const auto record = dispatcher.create_subscription({.actor = admin, .url = url, .events = {"contact.*"}}).value();
    const fw::Secret secret = dispatcher.generate_secret(admin, record.subscription.id()).value();
    std::printf("secret, shown once: %s\n", std::string(secret.reveal()).c_str());
}

// A service would go on with its work; this one waits for what it sent.
bool wait_until_delivered(fw::Dispatcher& dispatcher) {
    for (int i = 0; i < 1'000; ++i) {
        if (dispatcher.metrics().value().pending == 0) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

int run(const std::string& database, const std::string& url, const std::string& ca_file,
        std::vector<std::string> allowed) {
    const char* const key = std::getenv("STORE_KEY");
    const auto dispatcher =
        make_dispatcher({.path = database, .encryption_key = fw::Secret(key ? key : "")}, {.ca_file = ca_file},
                        fw::EndpointPolicy::create({.allow = std::move(allowed)}).value());
    subscribe_once(*dispatcher, url);
    dispatcher->start().value();
    for (const int contact : {1, 2, 3}) {
        const fw::ContactStatusChanged change{.contact_id = fw::ContactId(contact),
                                              .previous_status = fw::ContactStatus::leads,
                                              .new_status = fw::ContactStatus::members};
        if (!contact_moved(*dispatcher, change, location)) return 1;
    }
    const bool delivered = wait_until_delivered(*dispatcher);
    dispatcher->stop();
    std::printf(delivered ? "delivered\n" : "not delivered yet: the next start goes on\n");
    return delivered ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc < 3)
        return std::fprintf(stderr, "usage: %s <database> <https url> [<CA file> <allowed>...]\n", argv[0]), 2;
    try {
        return run(argv[1], argv[2], argc > 3 ? argv[3] : "", {argv + (argc > 3 ? 4 : 3), argv + argc});
    } catch (const std::exception& error) {  // value() on an error
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
}
