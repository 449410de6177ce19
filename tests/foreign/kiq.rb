# Makes jobs for Sidekiq, and does them where it is loaded by `sidekiq`: `ruby kiq.rb` with REDIS_URL. Three wait, one
# waits for its time; of the queue "odd" one fails and is tried again, one fails for good.
require "sidekiq"
require "sidekiq/api"

class Mail
  include Sidekiq::Worker
  sidekiq_options queue: "mails"

  def perform(*) = nil
end

class Fails
  include Sidekiq::Worker
  sidekiq_options queue: "odd", retry: 5

  def perform(*) = raise("as it should")
end

class Dies
  include Sidekiq::Worker
  sidekiq_options queue: "odd", retry: 0

  def perform(*) = raise("as it should")
end

if $PROGRAM_NAME == __FILE__
  3.times { |number| Mail.perform_async(number) }
  Mail.perform_in(3600, 9)
  Fails.perform_async
  Dies.perform_async
end
