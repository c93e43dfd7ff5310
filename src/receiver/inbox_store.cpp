#include <fpt_webhooks/receiver/inbox_store.hpp>

namespace fpt_webhooks::inline v0_1 {

InboxStore::~InboxStore() = default;

}  // namespace fpt_webhooks::inline v0_1
