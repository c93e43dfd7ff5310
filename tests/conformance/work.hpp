// What a receiver under test does with an event, on disk, so that it outlives a kill; and where it dies on demand.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace conformance_test {

// Files in the receiver's folder. The test writes the two flags, the receiver the others, a line for each event.
inline constexpr std::string_view effects_file = "effects";
inline constexpr std::string_view marks_file = "marks";
inline constexpr std::string_view inbox_file = "inbox";
inline constexpr std::string_view failing_flag = "failing";
inline constexpr std::string_view die_flag = "die";  // holds a moment and an event's id

inline constexpr std::string_view before_effect = "before_effect";
inline constexpr std::string_view after_effect = "after_effect";

// May be shared between threads.
class Work {
  public:
    explicit Work(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // The event's effect. Throws std::runtime_error while the failing flag stands.
    void take_effect(const std::string& event_id);
    // The same with an effect of another kind than a line in a file.
    void take_effect(const std::string& event_id, const std::function<void()>& effect);

    // Nothing will be done with the event: who waits for a death at its work waits in vain.
    void pass_over(const std::string& event_id) const;

    void mark(const std::string& event_id) { append(marks_file, event_id); }
    void store(const std::string& event_id) { append(inbox_file, event_id); }

    // The lines of one of the files.
    [[nodiscard]] std::multiset<std::string> read(std::string_view file) const;

  private:
    void append(std::string_view file, const std::string& line);
    void die_if(std::string_view moment, const std::string& event_id) const;
    // The moment at which to die with this event, if there is one.
    [[nodiscard]] std::string death_moment(const std::string& event_id) const;

    const std::filesystem::path folder_;
    mutable std::mutex mutex_;
};

}  // namespace conformance_test
