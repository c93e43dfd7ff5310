#include "conformance/work.hpp"

#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace conformance_test {

void Work::take_effect(const std::string& event_id) {
    take_effect(event_id, [&] { append(effects_file, event_id); });
}

void Work::take_effect(const std::string& event_id, const std::function<void()>& effect) {
    if (std::filesystem::exists(folder_ / failing_flag)) throw std::runtime_error("the work fails");
    die_if(before_effect, event_id);
    effect();
    die_if(after_effect, event_id);
}

std::multiset<std::string> Work::read(std::string_view file) const {
    const std::lock_guard lock(mutex_);
    std::ifstream in(folder_ / file);
    std::multiset<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
}

void Work::append(std::string_view file, const std::string& line) {
    const std::lock_guard lock(mutex_);
    std::ofstream(folder_ / file, std::ios::app) << line << '\n';
}

void Work::pass_over(const std::string& event_id) const {
    if (!death_moment(event_id).empty()) std::filesystem::remove(folder_ / die_flag);
}

std::string Work::death_moment(const std::string& event_id) const {
    std::ifstream in(folder_ / die_flag);
    std::string at, of;
    return in >> at >> of && of == event_id ? at : std::string();
}

void Work::die_if(std::string_view moment, const std::string& event_id) const {
    if (death_moment(event_id) != moment) return;
    kill(getpid(), SIGKILL);
    while (true) pause();
}

}  // namespace conformance_test
