#include "integration/kill/killed_sender.hpp"

#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

extern char** environ;

namespace fpt_webhooks::test {
namespace {

constexpr std::size_t violations_max = 20;
constexpr auto patience = std::chrono::seconds(100);

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("kill test: cannot ").append(what));
}

std::string made_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "fpt_webhooks_kill_XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, "make a folder");
    return name;
}

HttpRequest request_of(const std::string& text) {
    HttpRequest request;
    const std::size_t end = text.find("\r\n\r\n");
    request.body = text.substr(end + 4);
    std::size_t at = text.find("\r\n") + 2;
    request.method = text.substr(0, text.find(' '));
    while (at < end) {
        const std::size_t line_end = text.find("\r\n", at);
        const std::size_t colon = text.find(':', at);
        std::size_t value = colon + 1;
        while (value < line_end && text[value] == ' ') ++value;
        request.headers.add(text.substr(at, colon - at), text.substr(value, line_end - value));
        at = line_end + 2;
    }
    return request;
}

std::string name_of(std::size_t endpoint, std::size_t producer, std::uint64_t number) {
    return std::string("endpoint ")
        .append(std::to_string(endpoint))
        .append(", event ")
        .append(std::to_string(producer))
        .append("/")
        .append(std::to_string(number));
}

}  // namespace

void Violations::add(std::string what) {
    const std::lock_guard lock(mutex_);
    if (seen_.size() < violations_max) seen_.push_back(std::move(what));
}

std::vector<std::string> Violations::all() const {
    const std::lock_guard lock(mutex_);
    return seen_;
}

// ---- endpoints ----

WatchedEndpoint::WatchedEndpoint(std::size_t index, Violations& violations)
    : index_(index),
      violations_(violations),
      dedupe_(MemoryDedupe::create({}).value()),
      server_(std::make_unique<Server>([this](Connection& connection) { serve(connection); })) {}

void WatchedEndpoint::learn(const std::string& secret, bool is_current) {
    const std::lock_guard lock(mutex_);
    // When the sender begins anew, of those announced before only what is in force counts, and the one before it: an
    // attempt of the dead process may still be on its way.
    if (is_current && secrets_.size() > 2) secrets_.erase(secrets_.begin(), secrets_.end() - 2);
    std::erase(secrets_, secret);
    secrets_.push_back(secret);
    ReceiverOptions options{.endpoint = std::string("endpoint ").append(std::to_string(index_)), .dedupe = dedupe_};
    const std::size_t count = std::min(secrets_.size(), verifier_secrets_max);
    for (auto s = secrets_.end() - static_cast<std::ptrdiff_t>(count); s != secrets_.end(); ++s) {
        options.secrets.emplace_back(Secret(*s));
    }
    options.retry_after = std::chrono::seconds(0);
    auto receiver = Receiver::create(std::move(options)).value();
    receiver->on_any([this](const EventView& event) { return handle(event); });
    receiver_ = std::move(receiver);
}

void WatchedEndpoint::serve(Connection& connection) {
    while (const auto text = connection.read_request()) {
        const HttpResponse response = answer(request_of(*text));
        if (!connection.write(response_of(response.status, response.body))) return;
    }
}

// Does this endpoint fail on this event, and has not yet?
bool WatchedEndpoint::fails_now(std::uint64_t number, Arrived& arrived) {
    return number % endpoint_plans[index_].every == 0 && arrived.failed++ == 0;
}

HttpResponse WatchedEndpoint::answer(const HttpRequest& request) {
    if (index_ == observing_endpoint) return answer_told(request);
    const auto event = decode_envelope(bytes_of(request.body));
    const auto numbered = event ? number_of(event->event_id) : std::nullopt;
    if (!numbered) {
        violations_.add("an event that nobody published");
        return {.status = 400};
    }
    if (!wants(index_, numbered->producer, numbered->number)) {
        violations_.add(name_of(index_, numbered->producer, numbered->number).append(": it was not meant for it"));
    }
    if (request.body != encode_envelope(event_of(numbered->producer, numbered->number)).value()) {
        violations_.add(name_of(index_, numbered->producer, numbered->number).append(": other bytes"));
    }
    {
        const std::lock_guard lock(mutex_);
        Arrived& arrived = arrived_[numbered->producer][numbered->number];
        ++arrived.arrivals;
        if (endpoint_plans[index_].fault == Fault::status_500 && fails_now(numbered->number, arrived)) {
            return {.status = 500};
        }
    }
    return ask_receiver(request, name_of(index_, numbered->producer, numbered->number));
}

HttpResponse WatchedEndpoint::ask_receiver(const HttpRequest& request, const std::string& what) {
    std::shared_ptr<const Receiver> receiver;
    {
        const std::lock_guard lock(mutex_);
        receiver = receiver_;
    }
    HttpResponse response = receiver->handle(request);
    if (response.status != 200 && response.status != 500) {
        violations_.add(std::string(what).append(": refused with ").append(std::to_string(response.status)));
    }
    return response;
}

// ---- what observed contacts came to ----

std::optional<WatchedEndpoint::Told> WatchedEndpoint::told_by(const Envelope& event) {
    Told told{.type = event.event_type.text(), .time = event.timestamp};
    const auto of = [&](ContactId id) {
        told.contact = static_cast<std::uint64_t>(id.value());
        return told;
    };
    if (event.location_id != observed_location) return std::nullopt;
    if (event.event_type == "contact.updated") {
        const auto updated = ContactUpdated::from_data(event.data);
        if (updated) return of(updated->contact_id);
    } else if (event.event_type == "contact.status_changed") {
        const auto changed = ContactStatusChanged::from_data(event.data);
        const bool right = changed && changed->previous_status == ContactStatus::leads &&
                           changed->new_status == ContactStatus::members;
        if (right) return of(changed->contact_id);
    } else if (event.event_type == "contact.sub_group_changed") {
        const auto changed = ContactSubGroupChanged::from_data(event.data);
        if (changed && !changed->previous_sub_group && changed->new_sub_group == SubGroupId(7)) {
            return of(changed->contact_id);
        }
    }
    return std::nullopt;
}

HttpResponse WatchedEndpoint::answer_told(const HttpRequest& request) {
    const auto event = decode_envelope(bytes_of(request.body));
    const auto told = event ? told_by(*event) : std::nullopt;
    if (!told) {
        violations_.add("an event that no change to a contact comes to: " + request.body);
        return {.status = 400};
    }
    {
        const std::lock_guard lock(mutex_);
        Arrived& arrived = told_[*told];
        ++arrived.arrivals;
        if (fails_now(told->contact, arrived)) return {.status = 500};
    }
    return ask_receiver(request, std::string("contact ").append(std::to_string(told->contact)));
}

// A contact's two updates come within a window, or a death has put more than a window's time between them: then there
// are two, each with an update of its own.
void WatchedEndpoint::check_contacts(std::uint64_t seen) {
    const std::lock_guard lock(mutex_);
    std::map<Told, Arrived> left = told_;
    const auto once = [&](const Told& told) {
        const auto found = left.find(told);
        const bool is_right = found != left.end() && found->second.handled == 1;
        if (found != left.end()) left.erase(found);
        if (is_right) return;
        violations_.add(std::string("contact ")
                            .append(std::to_string(told.contact))
                            .append(": not exactly one ")
                            .append(told.type)
                            .append(" of its last change"));
    };
    for (std::uint64_t contact = 1; contact * changes_each <= seen; ++contact) {
        const Timestamp last = time_of_change(contact * changes_each);
        const Timestamp before = time_of_change(contact * changes_each - 1);
        const bool two_windows = told_.contains({contact, "contact.status_changed", before});
        once({contact, "contact.sub_group_changed", last});
        once({contact, "contact.updated", last});
        once({contact, "contact.status_changed", two_windows ? before : last});
        if (two_windows) once({contact, "contact.updated", before});
    }
    if (!left.empty()) {
        violations_.add(std::string("contact ")
                            .append(std::to_string(left.begin()->first.contact))
                            .append(": a ")
                            .append(left.begin()->first.type)
                            .append(" too many"));
    }
}

Result<void> WatchedEndpoint::handle(const EventView& event) {
    if (index_ == observing_endpoint) {
        const std::lock_guard lock(mutex_);
        ++told_[told_by(*event.envelope()).value()].handled;
        return {};
    }
    const auto numbered = number_of(event.envelope()->event_id).value();
    const std::lock_guard lock(mutex_);
    Arrived& arrived = arrived_[numbered.producer][numbered.number];
    if (endpoint_plans[index_].fault == Fault::handler_fails && fails_now(numbered.number, arrived)) {
        return Error(Errc::handler_failed, "on purpose");
    }
    ++arrived.handled;
    return {};
}

void WatchedEndpoint::check(std::size_t producer, std::uint64_t acked) {
    const std::lock_guard lock(mutex_);
    const auto& arrived = arrived_[producer];
    for (std::uint64_t n = 1; n <= acked; ++n) {
        if (!wants(index_, producer, n)) continue;
        const auto found = arrived.find(n);
        if (found == arrived.end()) {
            violations_.add(name_of(index_, producer, n).append(": it was acknowledged and never arrived"));
        } else if (found->second.handled != 1) {
            violations_.add(name_of(index_, producer, n)
                                .append(": handled ")
                                .append(std::to_string(found->second.handled))
                                .append(" times"));
        }
    }
    if (!arrived.empty() && arrived.rbegin()->first > acked) {
        violations_.add(name_of(index_, producer, arrived.rbegin()->first).append(": it was never published"));
    }
}

std::size_t WatchedEndpoint::arrivals() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& of_producer : arrived_) {
        for (const auto& [number, arrived] : of_producer) count += arrived.arrivals;
    }
    for (const auto& [told, arrived] : told_) count += arrived.arrivals;
    return count;
}

std::size_t WatchedEndpoint::repeated() const {
    const std::lock_guard lock(mutex_);
    const auto more = [](const Arrived& arrived) {
        return arrived.arrivals - std::min(arrived.arrivals, arrived.handled + (arrived.failed > 0 ? 1U : 0U));
    };
    std::size_t count = 0;
    for (const auto& of_producer : arrived_) {
        for (const auto& [number, arrived] : of_producer) count += more(arrived);
    }
    for (const auto& [told, arrived] : told_) count += more(arrived);
    return count;
}

// ---- the process ----

pid_t spawn_sender(std::vector<std::string> arguments, int socket) {
    arguments.insert(arguments.begin(), FPT_WEBHOOKS_SENDER_PROCESS);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, socket, 3);
    pid_t process = 0;
    const int code = posix_spawn(&process, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    require(code == 0, "start the sender");
    return process;
}

KilledSender::KilledSender(Disk disk)
    : disk_(disk), folder_(made_folder()), authorities_(CertificateAuthority().certificate_pem()) {
    std::filesystem::create_directory(folder_ / "disk");
    if (disk_ != Disk::real) std::filesystem::create_directory(folder_ / "survivors");
    const std::string path = (folder_ / "counters").string();
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    require(descriptor >= 0 && ftruncate(descriptor, sizeof(StepCounters)) == 0, "make the counters");
    void* const memory = mmap(nullptr, sizeof(StepCounters), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    require(memory != MAP_FAILED, "map the counters");
    counters_ = new (memory) StepCounters;
    for (std::size_t e = 0; e < endpoints; ++e) {
        endpoints_.push_back(std::make_unique<WatchedEndpoint>(e, violations_));
    }
    subscribe();
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "disk")) {
        if (disk_ != Disk::real) std::filesystem::copy(file, folder_ / "survivors");
    }
}

KilledSender::~KilledSender() {
    endpoints_.clear();
    munmap(counters_, sizeof(StepCounters));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void KilledSender::subscribe() {
    const auto store = SqliteStore::open({.path = database(), .encryption_key = Secret(store_key)});
    const auto nobody = std::make_shared<testing::ScriptedTransport>(
        [](const TransportRequest&) { return testing::ScriptedTransport::respond(500); });
    const auto dispatcher =
        Dispatcher::create({.store = store.value(), .transport = nobody, .policy = loopback_policy()}).value();
    for (std::size_t e = 0; e < endpoints; ++e) {
        const EndpointPlan& plan = endpoint_plans[e];
        const auto record =
            dispatcher->create_subscription({.actor = the_host,
                                             .url = endpoints_[e]->url(),
                                             .scope = plan.location == 0 ? Scope::organization(organization)
                                                                         : Scope::location(LocationId(plan.location)),
                                             .events = {plan.events}});
        require(record.value().subscription.id() == SubscriptionId(static_cast<std::int32_t>(e + 1)), "number");
        (void)dispatcher->generate_secret(the_host, record->subscription.id()).value();
    }
}

// The machine starts again after its power failed.
void KilledSender::restore() {
    if (disk_ == Disk::real) return;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "disk")) {
        std::filesystem::remove(file);
    }
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "survivors")) {
        std::filesystem::copy(file, folder_ / "disk");
    }
}

std::vector<std::string> KilledSender::arguments(const Life& life) const {
    std::vector<std::string> words;
    const auto add = [&](const char* name, const std::string& value) {
        words.push_back(std::string(name).append("=").append(value));
    };
    add("database", database());
    add("counters", (folder_ / "counters").string());
    add("ca", authorities_.path());
    if (disk_ != Disk::real) add("survivors", (folder_ / "survivors").string());
    if (disk_ == Disk::power_fails_and_some_survives) add("some", "1");
    if (life.fatal) {
        add("step", std::to_string(static_cast<std::size_t>(*life.fatal)));
        add("hit", std::to_string(life.hit));
        if (*life.fatal == Step::before_maintain || *life.fatal == Step::after_maintain) add("quiet", "1");
        const bool closes = *life.fatal == Step::before_commit_window || *life.fatal == Step::after_commit_window;
        if (closes) add("windows", "1");
    }
    if (life.drains) add("drain", "1");
    add("turn", std::to_string(lives_));
    add("see", std::to_string(see_));
    add("seen", std::to_string(seen_));
    for (std::size_t p = 0; p < producers; ++p) {
        const std::string number = std::to_string(p);
        add(std::string("acked").append(number).c_str(), std::to_string(acked_[p]));
        add(std::string("tried").append(number).c_str(), std::to_string(tried_[p]));
    }
    return words;
}

void KilledSender::listen(int socket) {
    char buffer[4096];
    for (;;) {
        const ssize_t size = recv(socket, buffer, sizeof buffer, 0);
        if (size < 0 && (errno == EINTR || errno == ECONNRESET)) continue;  // what it wrote before its death follows
        if (size <= 0) break;
        obey(socket, std::string(buffer, static_cast<std::size_t>(size)));
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

void KilledSender::obey(int socket, const std::string& message) {
    std::istringstream words(message);
    std::string what;
    words >> what;
    if (what == "secret") {
        std::size_t subscription = 0;
        std::string which;
        std::string secret;
        words >> subscription >> which >> secret;
        endpoints_.at(subscription - 1)->learn(secret, which == "current");
        (void)send(socket, "ok", 2, MSG_NOSIGNAL);
        return;
    }
    if (what == "notice" || what == "error") {
        violations_.add(std::string("life ").append(std::to_string(lives_)).append(": ").append(message));
        return;
    }
    const std::lock_guard lock(mutex_);
    std::size_t producer = 0;
    std::uint64_t number = 0;
    if (what == "try" && words >> producer >> number) tried_.at(producer) = std::max(tried_.at(producer), number);
    if (what == "ack" && words >> producer >> number) {
        acked_.at(producer) = number;
        ++acknowledged_;
    }
    if (what == "see") words >> see_;
    if (what == "seen") words >> seen_;
    if (what == "up") up_ = true;
    if (what == "drained") drained_ = true;
    if (what == "done") done_ = true;
    changed_.notify_all();
}

KilledSender::Death KilledSender::live(const Life& life) {
    restore();
    ++lives_;
    std::uint64_t died_before = 0;
    if (life.fatal) died_before = counters_->died[static_cast<std::size_t>(*life.fatal)];
    acknowledged_ = 0;
    ended_ = up_ = drained_ = done_ = false;
    int sockets[2];
    require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0, "make sockets");
    const pid_t process = spawn_sender(arguments(life), sockets[1]);
    close(sockets[1]);
    std::thread listener([&] { listen(sockets[0]); });
    {
        std::unique_lock lock(mutex_);
        if (life.meanwhile) {
            changed_.wait_for(lock, patience, [&] { return up_ || ended_; });
            lock.unlock();
            life.meanwhile();
            lock.lock();
        }
        const auto limit = life.killed_after.value_or(patience);
        const bool goes_on = life.drains || life.killed_after;
        changed_.wait_for(lock, limit, [&] { return ended_ || (!goes_on && acknowledged_ >= life.acknowledgements); });
        if (life.killed_after && !ended_) kill(process, SIGKILL);
        if (!ended_) (void)send(sockets[0], "stop", 4, MSG_NOSIGNAL);
        if (!changed_.wait_for(lock, patience, [&] { return ended_; })) {
            violations_.add("the sender process hangs");
            kill(process, SIGKILL);
        }
    }
    int status = 0;
    require(waitpid(process, &status, 0) == process, "wait for the sender");
    listener.join();
    close(sockets[0]);
    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) != 0 || !done_) violations_.add("the sender process failed");
        if (life.drains && !drained_) violations_.add("the sender process did not drain");
        return Death::none;
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) violations_.add("the sender process crashed");
    if (life.fatal && counters_->died[static_cast<std::size_t>(*life.fatal)] > died_before) return Death::at_step;
    return Death::by_us;
}

void KilledSender::check() {
    for (std::size_t p = 0; p < producers; ++p) {
        if (acked_[p] != tried_[p]) violations_.add("what was tried is not acknowledged after the last life");
        for (const auto& endpoint : endpoints_) endpoint->check(p, acked_[p]);
    }
    if (see_ != seen_) violations_.add("a change was begun and is not seen after the last life");
    endpoints_[observing_endpoint]->check_contacts(seen_);
    check_history();
}

// Each acknowledged event has one delivery of its own for each endpoint that wants it, and every delivery is delivered.
void KilledSender::check_history() {
    restore();
    const auto store = SqliteStore::open({.path = database(), .encryption_key = Secret(store_key)}).value();
    if (store->stats().value().pending != 0) violations_.add("deliveries are pending");
    std::map<std::pair<EventId, SubscriptionId>, unsigned> own;
    DeliveryId after;
    for (bool more = true; more;) {
        const auto page = store->deliveries({}, after, 1'000).value();
        for (const Delivery& delivery : page.deliveries) {
            if (delivery.state != DeliveryState::delivered) {
                violations_.add(std::string("a delivery is ")
                                    .append(to_string(delivery.state))
                                    .append(" (")
                                    .append(to_string(delivery.reason))
                                    .append(")"));
            }
            const bool observed = delivery.subscription == SubscriptionId(observing_endpoint + 1);
            if (!delivery.replay && !observed) ++own[{delivery.event_id, delivery.subscription}];
            if (delivery.attempts != store->attempts(delivery.id).value().size()) {
                violations_.add("a delivery has another number of attempts than its history shows");
            }
        }
        more = page.next.has_value();
        after = page.next.value_or(after);
    }
    std::size_t expected = 0;
    for (std::size_t p = 0; p < producers; ++p) {
        for (std::uint64_t n = 1; n <= acked_[p]; ++n) {
            for (std::size_t e = 0; e < endpoints; ++e) {
                if (!wants(e, p, n)) continue;
                ++expected;
                const auto found = own.find({id_of(p, n), SubscriptionId(static_cast<std::int32_t>(e + 1))});
                if (found == own.end() || found->second != 1) {
                    violations_.add(name_of(e, p, n).append(": not one delivery of its own"));
                }
            }
        }
    }
    if (expected != own.size()) violations_.add("there are deliveries that nobody published");
}

std::string KilledSender::summary() const {
    std::uint64_t events = 0;
    for (const std::uint64_t acked : acked_) events += acked;
    std::size_t arrivals = 0;
    std::size_t repeated = 0;
    for (const auto& endpoint : endpoints_) {
        arrivals += endpoint->arrivals();
        repeated += endpoint->repeated();
    }
    return std::to_string(lives_)
        .append(" lives, ")
        .append(std::to_string(events))
        .append(" events acknowledged, ")
        .append(std::to_string(seen_ / changes_each))
        .append(" contacts observed, ")
        .append(std::to_string(arrivals))
        .append(" arrivals, of them ")
        .append(std::to_string(repeated))
        .append(" repeated");
}

}  // namespace fpt_webhooks::test
