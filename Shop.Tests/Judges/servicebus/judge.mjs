// The unmodified official client against the local broker:
// node judge.mjs CONNECTION-STRING [STEP] [CONNECTION-STRING of a broker that verifies signatures]
// One line per step; the exit code is the number of steps that failed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ServiceBusClient } from "@azure/service-bus";

const connection = process.argv[2];
const options = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } };
const client = new ServiceBusClient(connection, options);
const steps = [];
const step = (name, run) => steps.push({ name, run });
/** The client's lock renewal fails on messages without an identifier. */
const id = () => ({ messageId: randomUUID() });
const bodies = (messages) => messages.map((message) => message.body);

async function receive(receiver, count, maxWaitTimeInMs = 5000) {
  const all = [];
  while (all.length < count) {
    const some = await receiver.receiveMessages(count - all.length, { maxWaitTimeInMs });
    if (some.length === 0) break;
    all.push(...some);
  }
  assert.equal(all.length, count, `expected ${count} messages, got ${all.length}`);
  return all;
}

async function receiveOne(receiver) {
  return (await receive(receiver, 1))[0];
}

async function using(...links) {
  const run = links.pop();
  try {
    await run(...links);
  } finally {
    for (const link of links) await link.close();
  }
}

async function rejectsWith(code, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, `${error.code}: ${error.message}`);
    return true;
  });
}

/** Waits until a condition holds, at most ten seconds. */
async function until(condition, what) {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const queue = (name, mode = "peekLock") => client.createReceiver(name, { receiveMode: mode });

/** Peeks with a receiver of its own, because a receiver goes on where it peeked last. */
async function isEmpty(name) {
  const receiver = queue(name);
  const seen = await receiver.peekMessages(1);
  await receiver.close();
  return seen.length === 0;
}

step("send one message and complete it", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await sender.sendMessages({ body: { order: 1 }, messageId: "m-1", subject: "s", correlationId: "c", applicationProperties: { n: 1, t: "x" } });
    const message = await receiveOne(receiver);
    assert.deepEqual(message.body, { order: 1 });
    assert.equal(message.messageId, "m-1");
    assert.equal(message.subject, "s");
    assert.equal(message.correlationId, "c");
    assert.deepEqual(message.applicationProperties, { n: 1, t: "x" });
    assert.equal(message.deliveryCount, 0);
    assert.ok(message.sequenceNumber.greaterThan(0));
    assert.ok(message.lockedUntilUtc > message.enqueuedTimeUtc);
    await receiver.completeMessage(message);
    assert.deepEqual(await receiver.peekMessages(10), []);
  }));

step("send an array as a batch, in order", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await sender.sendMessages(Array.from({ length: 100 }, (_, i) => ({ ...id(), body: i })));
    const messages = await receive(receiver, 100);
    assert.deepEqual(bodies(messages), Array.from({ length: 100 }, (_, i) => i));
    await Promise.all(messages.map((message) => receiver.completeMessage(message)));
  }));

step("createMessageBatch fills up to the link's limit", () =>
  using(client.createSender("plain"), queue("plain", "receiveAndDelete"), async (sender, receiver) => {
    const batch = await sender.createMessageBatch();
    let count = 0;
    while (batch.tryAddMessage({ ...id(), body: "x".repeat(50_000) })) count++;
    assert.ok(count > 10 && count < 25, `${count} fitted`);
    await sender.sendMessages(batch);
    await receive(receiver, count);
  }));

step("a message of several frames", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    const body = Buffer.alloc(700_000, 7);
    await sender.sendMessages({ ...id(), body });
    const message = await receiveOne(receiver);
    assert.ok(body.equals(message.body));
    await receiver.completeMessage(message);
  }));

step("a message over the limit is refused with MessageSizeExceeded", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await rejectsWith("MessageSizeExceeded", sender.sendMessages({ ...id(), body: Buffer.alloc(1_300_000) }));
    await sender.sendMessages({ ...id(), body: "small" });
    const message = await receiveOne(receiver);
    assert.equal(message.body, "small");
    await receiver.completeMessage(message);
  }));

step("abandon counts a delivery, and properties can be changed", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await sender.sendMessages({ ...id(), body: "again", applicationProperties: { kept: 1 } });
    await receiver.abandonMessage(await receiveOne(receiver), { added: "yes" });
    const message = await receiveOne(receiver);
    assert.equal(message.deliveryCount, 1);
    assert.deepEqual(message.applicationProperties, { kept: 1, added: "yes" });
    await receiver.completeMessage(message);
  }));

step("dead-letter with reason and description, receive from the dead-letter queue", () =>
  using(client.createSender("plain"), queue("plain"), client.createReceiver("plain", { subQueueType: "deadLetter" }), async (sender, receiver, dead) => {
    await sender.sendMessages({ ...id(), body: "poison", applicationProperties: { kept: 1 } });
    await receiver.deadLetterMessage(await receiveOne(receiver), { deadLetterReason: "bad", deadLetterErrorDescription: "very bad", extra: 2 });
    const message = await receiveOne(dead);
    assert.equal(message.deadLetterReason, "bad");
    assert.equal(message.deadLetterErrorDescription, "very bad");
    assert.equal(message.applicationProperties.kept, 1);
    assert.equal(message.deadLetterSource, "plain");
    await dead.completeMessage(message);
  }));

step("after the last delivery attempt a message is a dead letter", () =>
  using(client.createSender("plain"), queue("plain"), client.createReceiver("plain", { subQueueType: "deadLetter" }), async (sender, receiver, dead) => {
    await sender.sendMessages({ ...id(), body: "unlucky" });
    for (let i = 0; i < 3; i++) await receiver.abandonMessage(await receiveOne(receiver));
    const message = await receiveOne(dead);
    assert.equal(message.deadLetterReason, "MaxDeliveryCountExceeded");
    await dead.completeMessage(message);
  }));

step("defer, receive deferred by sequence number, settle it", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await sender.sendMessages([{ ...id(), body: "later" }, { ...id(), body: "even later" }]);
    const [first, second] = await receive(receiver, 2);
    await receiver.deferMessage(first);
    await receiver.deferMessage(second);
    assert.deepEqual(await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 }), []);
    const deferred = await receiver.receiveDeferredMessages([first.sequenceNumber, second.sequenceNumber]);
    assert.deepEqual(bodies(deferred), ["later", "even later"]);
    await receiver.completeMessage(deferred[0]);
    await receiver.deadLetterMessage(deferred[1], { deadLetterReason: "too late" });
    await using(queue("plain", "receiveAndDelete"), client.createReceiver("plain", { subQueueType: "deadLetter", receiveMode: "receiveAndDelete" }), async (_, dead) => {
      assert.equal((await receiveOne(dead)).deadLetterReason, "too late");
    });
    await assert.rejects(receiver.receiveDeferredMessages([first.sequenceNumber]));
  }));

step("a lock can be renewed", () =>
  using(client.createSender("short"), queue("short"), async (sender, receiver) => {
    await sender.sendMessages({ ...id(), body: "long work" });
    const message = await receiveOne(receiver);
    const before = message.lockedUntilUtc;
    const start = Date.now();
    while (Date.now() - start < 1800) {
      await receiver.renewMessageLock(message);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(message.lockedUntilUtc > before);
    await receiver.renewMessageLock(message);
    await receiver.completeMessage(message);
  }));

step("an expired lock is lost and the message comes back", () =>
  using(client.createSender("short"), client.createReceiver("short", { maxAutoLockRenewalDurationInMs: 0 }), async (sender, receiver) => {
    await sender.sendMessages({ ...id(), body: "slow" });
    const stale = await receiveOne(receiver);
    const again = await receiveOne(receiver);
    assert.equal(again.deliveryCount, 1);
    await rejectsWith("MessageLockLost", receiver.completeMessage(stale));
    await receiver.completeMessage(again);
  }));

step("peek shows messages without locking them, from a sequence number on", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await sender.sendMessages([1, 2, 3].map((body) => ({ ...id(), body })));
    const seen = await receiver.peekMessages(10);
    assert.deepEqual(bodies(seen), [1, 2, 3]);
    assert.deepEqual(bodies(await receiver.peekMessages(10, { fromSequenceNumber: seen[1].sequenceNumber })), [2, 3]);
    for (const message of await receive(receiver, 3)) await receiver.completeMessage(message);
  }));

step("schedule, see it scheduled, cancel; another one arrives in time", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    const [cancelled] = await sender.scheduleMessages({ ...id(), body: "never" }, new Date(Date.now() + 60_000));
    const [peeked] = await receiver.peekMessages(1);
    assert.equal(peeked.state, "scheduled");
    await sender.cancelScheduledMessages(cancelled);
    const due = Date.now() + 700;
    await sender.scheduleMessages([{ ...id(), body: "soon" }], new Date(due));
    const message = await receiveOne(receiver);
    assert.equal(message.body, "soon");
    assert.ok(Date.now() >= due - 50, "too early");
    await receiver.completeMessage(message);
    await assert.rejects(sender.cancelScheduledMessages(cancelled));
  }));

step("receiveAndDelete leaves nothing behind", () =>
  using(client.createSender("plain"), queue("plain", "receiveAndDelete"), async (sender, receiver) => {
    await sender.sendMessages([{ ...id(), body: 1 }, { ...id(), body: 2 }]);
    assert.deepEqual(bodies(await receive(receiver, 2)), [1, 2]);
    assert.deepEqual(await receiver.peekMessages(1), []);
  }));

step("time to live: expired messages become dead letters where asked, and vanish elsewhere", () =>
  using(client.createSender("short"), client.createSender("plain"), async (short, plain) => {
    await short.sendMessages({ ...id(), body: "old", timeToLive: 200 });
    await plain.sendMessages({ ...id(), body: "old", timeToLive: 200 });
    await using(client.createReceiver("short", { subQueueType: "deadLetter" }), async (dead) => {
      const message = await receiveOne(dead);
      assert.equal(message.deadLetterReason, "TTLExpiredException");
      await dead.completeMessage(message);
    });
    await until(() => isEmpty("plain"), "expiry");
  }));

step("a receiver that waits in vain gets nothing, twice", () =>
  using(queue("plain"), async (receiver) => {
    assert.deepEqual(await receiver.receiveMessages(5, { maxWaitTimeInMs: 200 }), []);
    assert.deepEqual(await receiver.receiveMessages(5, { maxWaitTimeInMs: 200 }), []);
  }));

step("subscribe() with concurrency handles everything once", () =>
  using(client.createSender("plain"), queue("plain"), async (sender, receiver) => {
    await sender.sendMessages(Array.from({ length: 200 }, (_, i) => ({ ...id(), body: i })));
    const seen = new Set();
    const errors = [];
    const subscription = receiver.subscribe({
      processMessage: async (message) => void seen.add(message.body),
      processError: async ({ error }) => void errors.push(error),
    }, { maxConcurrentCalls: 10 });
    await until(() => seen.size === 200, "all messages");
    await until(() => isEmpty("plain"), "all completed");
    await subscription.close();
    assert.deepEqual(errors, []);
  }));

step("a topic gives every subscription its copy; a correlation filter selects", () =>
  using(client.createSender("events"), client.createReceiver("events", "all"), client.createReceiver("events", "red"), async (sender, all, red) => {
    await sender.sendMessages([
      { ...id(), body: 1, subject: "paint", applicationProperties: { colour: "red" } },
      { ...id(), body: 2, subject: "paint", applicationProperties: { colour: "blue" } },
      { ...id(), body: 3, applicationProperties: { colour: "red" } },
    ]);
    const messages = await receive(all, 3);
    assert.deepEqual(bodies(messages), [1, 2, 3]);
    const chosen = await receiveOne(red);
    assert.equal(chosen.body, 1);
    for (const message of messages) await all.completeMessage(message);
    assert.deepEqual(bodies(await red.peekMessages(10)), [1]);
    await red.completeMessage(chosen);
  }));

step("sessions: named, in order, only its own messages", async () => {
  await using(client.createSender("sessions"), async (sender) => {
    await sender.sendMessages(["a", "b", "a", "b"].map((sessionId, i) => ({ ...id(), body: i, sessionId })));
    for (const [id, expected] of [["a", [0, 2]], ["b", [1, 3]]]) {
      await using(await client.acceptSession("sessions", id), async (session) => {
        assert.equal(session.sessionId, id);
        const messages = await receive(session, 2);
        assert.deepEqual(bodies(messages), expected);
        for (const message of messages) await session.completeMessage(message);
      });
    }
  });
});

step("sessions: the next free one, and a message sent while waiting", async () => {
  await using(client.createSender("sessions"), async (sender) => {
    const waiting = client.acceptNextSession("sessions");
    await sender.sendMessages({ ...id(), body: "x", sessionId: "fresh" });
    await using(await waiting, async (session) => {
      assert.equal(session.sessionId, "fresh");
      await session.completeMessage(await receiveOne(session));
    });
  });
});

step("sessions: a locked one cannot be accepted by another receiver", async () => {
  await using(await client.acceptSession("sessions", "mine"), async () => {
    await rejectsWith("SessionCannotBeLocked", client.acceptSession("sessions", "mine"));
  });
  await using(await client.acceptSession("sessions", "mine"), async () => {});
});

step("sessions: state is kept", async () => {
  await using(await client.acceptSession("sessions", "stateful"), async (session) => {
    assert.equal(await session.getSessionState(), null);
    await session.setSessionState({ step: 3 });
  });
  await using(await client.acceptSession("sessions", "stateful"), async (session) => {
    assert.deepEqual(await session.getSessionState(), { step: 3 });
    await session.setSessionState(null);
  });
});

step("sessions: the lock is renewed, then lost", async () => {
  await using(client.createSender("sessions"), async (sender) => {
    await sender.sendMessages({ ...id(), body: "held", sessionId: "held" });
    await using(await client.acceptSession("sessions", "held", { maxAutoLockRenewalDurationInMs: 0 }), async (session) => {
      const message = await receiveOne(session);
      const renewed = await session.renewSessionLock();
      assert.ok(renewed > new Date());
      await until(() => Date.now() > renewed.getTime() + 300, "the lock's end");
      await rejectsWith("SessionLockLost", session.completeMessage(message));
    });
    await using(await client.acceptSession("sessions", "held"), async (session) => {
      const message = await receiveOne(session);
      assert.equal(message.deliveryCount, 1);
      await session.completeMessage(message);
    });
  });
});

step("sessions: a message without one is refused", () =>
  using(client.createSender("sessions"), (sender) => assert.rejects(sender.sendMessages({ ...id(), body: 1 }))));

step("an unknown entity is MessagingEntityNotFound for senders and receivers", async () => {
  await using(client.createSender("nowhere"), (sender) => rejectsWith("MessagingEntityNotFound", sender.sendMessages({ ...id(), body: 1 })));
  await using(client.createReceiver("nowhere"), (receiver) => rejectsWith("MessagingEntityNotFound", receiver.receiveMessages(1)));
  await using(client.createReceiver("events", "nobody"), (receiver) => rejectsWith("MessagingEntityNotFound", receiver.receiveMessages(1)));
});

step("the wrong kind of receiver is refused", async () => {
  await using(queue("sessions"), (receiver) => assert.rejects(receiver.receiveMessages(1), /sessions/));
  await assert.rejects(client.acceptSession("plain", "a"), /session/);
});

const signed = process.argv[4];
if (signed) {
  step("a wrong key is UnauthorizedAccess, the right one opens the door", async () => {
    const send = async (key) => {
      const other = new ServiceBusClient(signed.replace(/SharedAccessKey=[^;]*/, `SharedAccessKey=${key}`), options);
      try {
        await other.createSender("plain").sendMessages({ ...id(), body: "let me in" });
        const receiver = other.createReceiver("plain", { receiveMode: "receiveAndDelete" });
        assert.equal((await receiveOne(receiver)).body, "let me in");
      } finally {
        await other.close();
      }
    };
    await rejectsWith("UnauthorizedAccess", send("d3Jvbmc="));
    await send(/SharedAccessKey=([^;]*)/.exec(signed)[1]);
  });
}

step("fifty fresh connections, one after the other", async () => {
  for (let i = 0; i < 50; i++) {
    const fresh = new ServiceBusClient(connection, options);
    const sender = fresh.createSender("plain");
    await sender.sendMessages({ ...id(), body: i });
    await fresh.close();
  }
  await using(queue("plain", "receiveAndDelete"), async (receiver) => {
    assert.deepEqual(bodies(await receive(receiver, 50)), Array.from({ length: 50 }, (_, i) => i));
  });
});

const chosen = process.argv[3];
let failed = 0;
for (const { name, run } of steps) {
  if (chosen && !name.includes(chosen)) continue;
  const start = Date.now();
  let timer;
  try {
    const timeout = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("the step hung")), 30_000)));
    await Promise.race([run(), timeout]);
    console.log(`ok ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${error.stack}`);
  } finally {
    clearTimeout(timer);
  }
}
await client.close();
process.exit(failed);
