#include <fpt_webhooks/receiver/dedupe_store.hpp>

namespace fpt_webhooks::inline v0_1 {

DedupeStore::~DedupeStore() = default;

}  // namespace fpt_webhooks::inline v0_1
