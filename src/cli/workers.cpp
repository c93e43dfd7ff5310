#include "cli/workers.hpp"

#include <utility>

namespace fpt_webhooks::cli {

Workers::Workers(std::size_t count) {
    threads_.reserve(count);
    try {
        while (threads_.size() < count) threads_.emplace_back([this] { work(); });
    } catch (...) {
        shutdown();
        throw;
    }
}

void Workers::enqueue(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
}

void Workers::shutdown() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

void Workers::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
    }
}

}  // namespace fpt_webhooks::cli
