#include "conformance/flawed_receiver.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <thread>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/fpt_catalogue.hpp>

namespace conformance_test {
namespace {

namespace fw = fpt_webhooks;
namespace chr = std::chrono;

constexpr std::string_view signature_header = "X-FPT-Signature";
constexpr std::size_t header_bytes_max = 4096;
constexpr long long tolerance_s = 300;

// How long a flawed receiver's window between look-up and insert stands open for a second request.
constexpr chr::milliseconds open_window{300};

// What a queue lets pass before each piece of work: a duplicate's effect comes after the first one was seen.
constexpr chr::milliseconds queue_pause{20};

Answer answer(int status, std::string body = {}) { return {.response = {.status = status, .body = std::move(body)}}; }

fw::Signer signer_for(std::string_view secret) {
    return fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();
}

struct SignatureHeader {
    std::string t;
    std::vector<std::string> v1;
};

SignatureHeader split(const std::string& value) {
    SignatureHeader header;
    std::istringstream in(value);
    for (std::string item; std::getline(in, item, ',');) {
        if (item.starts_with("t=")) header.t = item.substr(2);
        if (item.starts_with("v1=")) header.v1.push_back(item.substr(3));
    }
    return header;
}

bool is_number(const std::string& text) {
    return !text.empty() && text.size() <= 18 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::string_view> find_exactly(const fw::Headers& headers, std::string_view name) {
    for (const auto& field : headers) {
        if (field.name == name) return field.value;
    }
    return std::nullopt;
}

bool is_json(std::string_view type) {
    return fw::equals_ignoring_case(type.substr(0, type.find(';')), "application/json");
}

}  // namespace

FlawedReceiver::FlawedReceiver(Flaw flaw, Work& work)
    : flaw_(flaw), work_(work), signer_(signer_for(current_secret)), old_signer_(signer_for(old_secret)) {
    const bool marks_apart = has(Flaw::marks_before_work) || has(Flaw::marks_after_work);
    const auto lines = work_.read(marks_apart ? marks_file : effects_file);
    done_.insert(lines.begin(), lines.end());
    if (!has(Flaw::none_with_inbox)) return;
    for (const auto& id : work_.read(inbox_file)) {
        if (done_.insert(id).second) std::thread([this, id] { work_until_it_succeeds(id); }).detach();
    }
}

std::string FlawedReceiver::bytes_to_sign(const fw::HttpRequest& request) const {
    if (has(Flaw::stops_at_nul)) return request.body.c_str();
    if (has(Flaw::verifies_reserialised)) {
        const auto event = fw::decode_envelope(fw::bytes_of(request.body));
        if (event) {
            // As a JSON library does it: all white space and all escapes of `data` are gone too.
            auto clean = *event;
            if (const auto change = event->data_as<fw::ContactUpdated>()) clean.data = change->to_data();
            return fw::encode_envelope(clean).value();
        }
    }
    return request.body;
}

bool FlawedReceiver::matches(const fw::Signer& signer, const std::string& t, const std::string& digits,
                             const fw::HttpRequest& request) const {
    const fw::Timestamp signed_at{chr::seconds(std::atoll(t.c_str()))};
    const auto headers = signer.sign(fw::bytes_of(bytes_to_sign(request)), signed_at).value();
    const std::string expected = split(headers.begin()->value).v1.at(0);
    if (!has(Flaw::compares_prefix)) return digits == expected;
    const std::size_t compared = std::min<std::size_t>(8, digits.size());
    return digits.compare(0, compared, expected, 0, compared) == 0;
}

std::optional<std::string> FlawedReceiver::refuse(const fw::HttpRequest& request) const {
    if (has(Flaw::no_verify)) return std::nullopt;
    const auto found = has(Flaw::case_sensitive_headers) ? find_exactly(request.headers, signature_header)
                                                         : request.headers.find(signature_header);
    if (!found) return has(Flaw::accepts_unsigned) ? std::nullopt : std::optional("no signature");
    auto header = split(std::string(*found));
    if (found->size() > header_bytes_max || header.v1.empty()) return "malformed";
    if (has(Flaw::chokes_on_malformed)) static_cast<void>(std::stoll(header.t));
    if (!is_number(header.t)) return "malformed";

    const auto now = chr::floor<chr::seconds>(fw::system_clock()->now()).time_since_epoch().count();
    const long long age = now - std::atoll(header.t.c_str());
    if (!has(Flaw::ignores_time)) {
        if (age > tolerance_s) return "too old";
        if (age < -tolerance_s && !has(Flaw::accepts_future)) return "from the future";
    }
    if (has(Flaw::first_v1_only)) header.v1.resize(1);
    for (const auto& digits : header.v1) {
        if (matches(signer_, header.t, digits, request)) return std::nullopt;
        if (has(Flaw::keeps_old_secret) && matches(old_signer_, header.t, digits, request)) return std::nullopt;
    }
    return "wrong signature";
}

std::optional<int> FlawedReceiver::refuse_event(const fw::Envelope& event) {
    if (has(Flaw::refuses_unknown) && (!event.extra.empty() || !fw::find_fpt_event(event.event_type.text())))
        return 400;
    if (has(Flaw::refuses_late) && fw::system_clock()->now() - event.timestamp > chr::seconds(tolerance_s)) return 400;
    if (has(Flaw::refuses_older)) {
        const std::lock_guard lock(mutex_);
        if (event.timestamp < newest_) return 409;
        newest_ = event.timestamp;
    }
    return std::nullopt;
}

Answer FlawedReceiver::handle(const fw::HttpRequest& request) try {
    if (request.method != "POST") return answer(405);
    const auto type = request.headers.find("Content-Type").value_or("");
    if (has(Flaw::exact_content_type) ? type != "application/json; charset=utf-8" : !is_json(type)) return answer(415);

    std::string_view body = request.body;
    if (has(Flaw::stops_at_nul)) body = body.substr(0, body.find('\0'));
    const auto event = fw::decode_envelope(fw::bytes_of(body));
    if (const auto why = refuse(request)) {
        if (has(Flaw::claims_before_verifying) && event) {
            const std::lock_guard lock(mutex_);
            done_.insert(event->event_id.to_string());
        }
        return answer(401, has(Flaw::tells_cause) ? *why : "refused");
    }
    if (!event) return has(Flaw::dies_on_garbage) ? Answer{} : answer(400);
    if (const auto status = refuse_event(*event)) return answer(*status);
    const std::string id = event->event_id.to_string();
    return has(Flaw::checks_then_acts) ? process_unguarded(id) : process(id);
} catch (const std::exception&) {
    return answer(500);
}

// One event at a time: what holds a second delivery off is the lock.
Answer FlawedReceiver::process(const std::string& id) {
    if (has(Flaw::does_nothing)) {
        work_.pass_over(id);
        return answer(200);
    }
    if (has(Flaw::queues_without_dedupe)) {
        return {.response = {.status = 200}, .after_sent = [this, id] { work_until_it_succeeds(id); }};
    }
    const std::lock_guard lock(mutex_);
    if (done_.count(id) != 0 && !has(Flaw::no_dedupe)) return answer(200);
    if (has(Flaw::none_with_inbox)) {
        work_.store(id);
        done_.insert(id);
        return {.response = {.status = 200}, .after_sent = [this, id] { work_until_it_succeeds(id); }};
    }
    if (has(Flaw::acks_before_work)) {
        done_.insert(id);
        return {.response = {.status = 200}, .after_sent = [this, id] {
                    try {
                        work_.take_effect(id);
                    } catch (const std::exception&) {  // nobody is left to tell
                    }
                }};
    }
    if (has(Flaw::marks_before_work)) {
        work_.mark(id);
        done_.insert(id);
    }
    work_.take_effect(id);
    if (has(Flaw::marks_after_work)) work_.mark(id);
    done_.insert(id);
    return answer(200);
}

void FlawedReceiver::work_until_it_succeeds(const std::string& id) {
    const std::lock_guard lock(queue_mutex_);
    while (true) try {
            std::this_thread::sleep_for(queue_pause);
            return work_.take_effect(id);
        } catch (const std::exception&) {  // the next attempt may succeed
        }
}

Answer FlawedReceiver::process_unguarded(const std::string& id) {
    std::unique_lock lock(mutex_);
    if (done_.count(id) != 0) return answer(200);
    ++arrivals_[id];
    arrived_.notify_all();
    arrived_.wait_for(lock, open_window, [&] { return arrivals_[id] >= 2; });
    lock.unlock();
    work_.take_effect(id);
    lock.lock();
    done_.insert(id);
    return answer(200);
}

}  // namespace conformance_test
