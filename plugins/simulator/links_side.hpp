#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "instance_locks.hpp"
#include "session_side.hpp"
#include "waiting_codes.hpp"

// The links of instances to a WhatsApp of our own: sessions, codes, and what becomes of both.
// Thread-safe, but for begin().
class SimulatedLinks {
 public:
  void begin(pombo::IHost& host, std::chrono::seconds scanTime);  // before all else
  void stop() noexcept;

  // As IConnector.
  pombo::Link connect(const pombo::Instance&, const pombo::LinkRequest&);
  void reconnect(const pombo::Instance&);
  void disconnect(const pombo::Instance&);
  void logout(const pombo::Instance&);
  pombo::Profile profile(const pombo::Instance&) const;
  void forget(const pombo::Instance&);

  // Of a message that is to be sent: whether that has to wait until WhatsApp answers. Throws as
  // what follows.
  bool putOff(const pombo::Instance&, const std::string& operation, const pombo::Json& arguments);
  // Throws Error{unavailable} when the instance is not connected.
  SimulatedSession openSession(const pombo::Instance&) const;
  // Likewise. What `work` changes of it is kept when it returns; meanwhile nothing else happens.
  void change(const pombo::Instance&, const std::function<void(SimulatedSession&)>& work);

  // A phone scans the code; whose: the given number, or the one that has asked for a pairing code,
  // or any. Its address. Throws Error{conflict} when no code waits.
  std::string scan(const pombo::Instance&, const std::optional<std::string>& number);
  // The phone unlinks, told by an event that `publish` accepts: no session is left.
  void logOut(const pombo::InstanceId&, const std::function<void()>& publish);
  // What follows throws Error{conflict} when the instance is not linked.
  void requireLinked(const pombo::Instance&) const;
  void drop(const pombo::Instance&, bool reconnects);
  // Nothing: for good.
  void ban(const pombo::Instance&, std::optional<std::int64_t> seconds, const std::string& reason);
  // Those members of `fields` that are there. The whole of it.
  pombo::Json changeProfile(const pombo::Instance&, const pombo::Fields& fields);
  // While WhatsApp does not answer, what is asked of it goes on waiting, across a restart that
  // makes it answer again.
  void answer(const pombo::Instance&, bool answers);

 private:
  void expire(const std::string& id);
  void showCodes(const pombo::InstanceId&, const pombo::LinkRequest&, const std::string& code);
  void open(const pombo::InstanceId&, const SimulatedSession&);
  void sendLate(const pombo::InstanceId&, SimulatedSession);
  bool isBanned(const SimulatedSession&) const;
  void tellOfBan(const pombo::InstanceId&, const SimulatedSession&, const std::string& reason);
  void tell(const pombo::InstanceId&, pombo::Json data);
  SimulatedSession sessionOf(const pombo::InstanceId&) const;
  SimulatedSession linkedSessionOf(const pombo::InstanceId&) const;
  bool isSilent(const pombo::InstanceId&) const;
  void putOff(const pombo::InstanceId&, const pombo::LinkRequest&);
  void takeBack(const pombo::InstanceId&);  // what was asked of WhatsApp

  pombo::IHost* host_ = nullptr;
  std::chrono::milliseconds scanTime_{};
  mutable InstanceLocks locks_;  // of each one's session, its code, and the order of what is told
  mutable std::mutex mutex_;     // guards both below
  std::set<std::string> silent_;
  std::map<std::string, pombo::LinkRequest> asked_;  // of WhatsApp, while it does not answer
  std::optional<WaitingCodes> codes_;                // its thread calls expire()
};
