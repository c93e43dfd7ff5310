#include "receiver/handler_pool.hpp"

#include <algorithm>
#include <string>
#include <system_error>

namespace fpt_webhooks::inline v0_1::detail {

HandlerPool::~HandlerPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
}

Result<void> HandlerPool::submit(std::shared_ptr<PoolJob> job) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= idle_ && threads_.size() < threads_max_) {
        try {
            threads_.emplace_back([this]() noexcept { run(); });
        } catch (const std::system_error& error) {
            if (threads_.empty()) {
                return Error(Errc::local_failure, std::string("no thread for handlers: ") + error.what());
            }
        }
    }
    queue_.push_back(std::move(job));
    wake_.notify_one();
    return {};
}

bool HandlerPool::withdraw(const PoolJob& job) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(queue_.begin(), queue_.end(), [&job](const auto& queued) { return queued.get() == &job; });
    if (found == queue_.end()) return false;
    queue_.erase(found);
    return true;
}

void HandlerPool::run() noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;
        std::shared_ptr<PoolJob> job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job->work();
        job.reset();
        lock.lock();
    }
}

}  // namespace fpt_webhooks::inline v0_1::detail
