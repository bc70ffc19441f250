// Judges a store with the official Node driver: node judge.mjs CONNECTION_STRING. Exit code 0 when every step holds.
import assert from 'node:assert/strict';
import { Decimal128, Long, MongoClient, ObjectId } from 'mongodb';

const client = new MongoClient(process.argv[2], { serverSelectionTimeoutMS: 5000 });
const db = client.db('judge_node');
const steps = [];
const step = (name, run) => steps.push({ name, run });
const fails = async (code, promise) => {
  const error = await promise.then(() => null, reason => reason);
  assert.ok(error, `expected error ${code}, but it succeeded`);
  assert.equal(error.code ?? error.writeErrors?.[0]?.code, code, error.message);
  return error;
};
const orders = db.collection('orders');
const dec = text => Decimal128.fromString(text);

step('says hello, answers ping and build information', async () => {
  assert.equal((await db.command({ ping: 1 })).ok, 1);
  const hello = await db.admin().command({ hello: 1 });
  assert.equal(hello.isWritablePrimary, true);
  assert.equal(hello.setName, undefined);
  assert.ok((await db.admin().buildInfo()).version);
});

step('inserts, finds, sorts, limits, skips and projects', async () => {
  await orders.insertMany(Array.from({ length: 500 }, (_, i) => ({
    _id: `O${String(i).padStart(4, '0')}`, version: 1, customerId: `C${i % 10}`, orderDate: new Date(Date.UTC(2024, 0, 1, 0, i)), total: dec(`${i}.50`),
    items: [{ productId: `P${i % 7}`, quantity: i % 5, name: 'Widget' }, { productId: 'P9', quantity: 1 }]
  })));
  const page = await orders.find({ customerId: 'C3' }).sort({ orderDate: -1, _id: -1 }).skip(1).limit(3).project({ customerId: 1, 'items.productId': 1 }).toArray();
  assert.deepEqual(page.map(o => o._id), ['O0483', 'O0473', 'O0463']);
  assert.deepEqual(page[0], { _id: 'O0483', customerId: 'C3', items: [{ productId: 'P0' }, { productId: 'P9' }] });
  assert.equal(await orders.countDocuments({ total: { $gte: dec('490.50') } }), 10);
  assert.equal(await orders.countDocuments({ total: { $gte: 490.5 } }), 10);
  assert.equal(await orders.estimatedDocumentCount(), 500);
});

step('pages by keyset through a compound index without looking at more', async () => {
  await orders.createIndex({ customerId: 1, orderDate: -1, _id: -1 });
  const last = await orders.findOne({ _id: 'O0253' });
  const query = orders.find({ customerId: 'C3', $or: [{ orderDate: { $lt: last.orderDate } }, { orderDate: last.orderDate, _id: { $lt: last._id } }] })
    .sort({ orderDate: -1, _id: -1 }).limit(20);
  const plan = await query.clone().explain('executionStats');
  assert.match(JSON.stringify(plan.queryPlanner.winningPlan), /IXSCAN.*customerId_1_orderDate_-1__id_-1/);
  assert.doesNotMatch(JSON.stringify(plan.queryPlanner.winningPlan), /SORT/);
  // Two pieces of a walk at most, although half of the customer's orders lie before the page.
  assert.ok(plan.executionStats.totalDocsExamined <= 40, `${plan.executionStats.totalDocsExamined} documents examined`);
  const page = await query.toArray();
  assert.equal(page.length, 20);
  assert.equal(page[0]._id, 'O0243');
});

step('explains _id lookups and walks', async () => {
  const stage = async filter => JSON.stringify((await orders.find(filter).explain()).queryPlanner.winningPlan);
  assert.match(await stage({ _id: 'O0001' }), /IDHACK/);
  assert.match(await stage({ version: 1 }), /COLLSCAN/);
});

step('reads through cursors with getMore and kills them', async () => {
  const cursor = orders.find({}, { batchSize: 50 });
  let count = 0;
  for await (const order of cursor) count += order ? 1 : 0;
  assert.equal(count, 500);
  const other = orders.find({}, { batchSize: 2 });
  await other.next();
  const id = other.id;
  await other.close();
  await fails(43, db.command({ getMore: id ?? Long.fromNumber(1), collection: 'orders' }));
});

step('updates with operators, array filters, positions and pipelines', async () => {
  const one = { _id: 'O0001' };
  await orders.updateOne(one, { $set: { status: 'Paid' }, $inc: { version: 1, total: dec('0.10') }, $push: { tags: { $each: ['b', 'a'], $sort: 1, $slice: 5 } } });
  await orders.updateOne({ ...one, 'items.productId': 'P9' }, { $set: { 'items.$.quantity': 7 } });
  await orders.updateOne(one, { $set: { 'items.$[line].name': 'Gadget' } }, { arrayFilters: [{ 'line.productId': 'P9' }] });
  await orders.updateOne(one, [{ $set: { nested: { x: 1 } } }, { $set: { nested: { y: { $add: ['$version', 1] } } } }]);
  const order = await orders.findOne(one);
  assert.equal(order.total.toString(), '1.60');
  assert.deepEqual(order.tags, ['a', 'b']);
  assert.deepEqual(order.items[1], { productId: 'P9', quantity: 7, name: 'Gadget' });
  assert.deepEqual(order.nested, { x: 1, y: 3 });
  const many = await orders.updateMany({ customerId: 'C4' }, { $set: { status: 'Late' } });
  assert.deepEqual([many.matchedCount, many.modifiedCount], [50, 50]);
  assert.equal((await orders.updateMany({ customerId: 'C4' }, { $set: { status: 'Late' } })).modifiedCount, 0);
});

step('answers a stale guarded upsert with 11000 and goes on with the rest', async () => {
  const result = await orders.bulkWrite([
    { replaceOne: { filter: { _id: 'O0002', version: { $lt: 1 } }, replacement: { version: 1, stale: true }, upsert: true } },
    { replaceOne: { filter: { _id: 'O0003', version: { $lt: 5 } }, replacement: { version: 5 }, upsert: true } },
    { updateOne: { filter: { _id: 'NEW', version: { $lt: 2 } }, update: { $set: { version: 2 } }, upsert: true } }
  ], { ordered: false }).then(() => null, error => error);
  assert.equal(result.code, 11000);
  assert.equal(result.writeErrors.length, 1);
  assert.deepEqual(result.writeErrors[0].err.keyPattern ?? { _id: 1 }, { _id: 1 });
  assert.equal((await orders.findOne({ _id: 'O0002' })).stale, undefined);
  assert.equal((await orders.findOne({ _id: 'O0003' })).version, 5);
  assert.equal((await orders.findOne({ _id: 'NEW' })).version, 2);
});

step('refuses with the codes of MongoDB', async () => {
  await fails(11000, orders.insertOne({ _id: 'O0001' }));
  await fails(40, orders.updateOne({ _id: 'O0001' }, { $set: { a: 1 }, $inc: { a: 1 } }));
  await fails(40, orders.updateOne({ _id: 'O0001' }, { $set: { a: 1, 'a.b': 1 } }));
  await fails(9, orders.updateOne({ _id: 'O0001' }, { $set: { a: 1 } }, { arrayFilters: [{ 'x.y': 1 }] }));
  await fails(66, orders.updateOne({ _id: 'O0001' }, { $set: { _id: 'other' } }));
  await fails(2, orders.find({ a: { $near: 1 } }).toArray());
  await fails(40324, orders.aggregate([{ $lookup: { from: 'x', localField: 'a', foreignField: 'b', as: 'c' } }]).toArray());
  await fails(168, orders.aggregate([{ $project: { a: { $nonsense: 1 } } }]).toArray());
  await fails(59, db.command({ fancy: 1 }));
  await fails(40573, orders.watch().next());
});

step('refuses transactions', async () => {
  await client.withSession(async session => {
    session.startTransaction();
    const error = await orders.insertOne({ _id: 'in a transaction' }, { session }).then(() => null, reason => reason);
    // The driver wraps the server's error into advice of its own.
    assert.equal((error?.originalError ?? error)?.code, 20, String(error));
    await session.abortTransaction().catch(() => {});
  });
  assert.equal(await orders.findOne({ _id: 'in a transaction' }), null);
});

step('aggregates', async () => {
  const totals = await orders.aggregate([
    { $match: { customerId: { $in: ['C1', 'C2'] }, items: { $exists: true } } }, { $unwind: '$items' },
    { $group: { _id: { c: '$customerId', p: '$items.productId' }, quantity: { $sum: '$items.quantity' }, n: { $sum: 1 }, first: { $first: '$_id' }, all: { $addToSet: '$customerId' } } },
    { $sort: { quantity: -1, _id: 1 } }, { $limit: 2 }, { $addFields: { double: { $multiply: ['$quantity', 2] } } }, { $project: { first: 0 } }
  ]).toArray();
  assert.equal(totals.length, 2);
  assert.equal(totals[0].double, totals[0].quantity * 2);
  assert.equal('first' in totals[0], false);
  const [sum] = await orders.aggregate([{ $group: { _id: null, total: { $sum: '$total' }, max: { $max: '$orderDate' }, avg: { $avg: '$version' } } }]).toArray();
  assert.ok(sum.total instanceof Decimal128);
  assert.deepEqual(await orders.aggregate([{ $match: { customerId: 'C4' } }, { $count: 'n' }]).toArray(), [{ n: 50 }]);
});

step('finds and modifies, counts distinct values, deletes', async () => {
  const after = await orders.findOneAndUpdate({ customerId: 'C5' }, { $inc: { version: 1 } }, { sort: { orderDate: -1 }, returnDocument: 'after', projection: { version: 1 } });
  assert.deepEqual(after, { _id: 'O0495', version: 2 });
  assert.equal(await orders.findOneAndDelete({ _id: 'nobody' }), null);
  assert.deepEqual((await orders.distinct('items.productId')).sort(), ['P0', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P9']);
  assert.equal((await orders.deleteMany({ customerId: 'C6' })).deletedCount, 50);
});

step('manages indexes and collections', async () => {
  const people = db.collection('people');
  await people.insertMany([{ email: 'a', n: 1 }, { email: 'b', n: 1 }]);
  await people.createIndex({ email: 1 }, { unique: true, name: 'email' });
  const error = await fails(11000, people.insertOne({ email: 'a' }));
  assert.deepEqual(error.keyValue, { email: 'a' });
  await fails(11000, people.createIndex({ n: 1 }, { unique: true }));
  await fails(197, people.createIndex({ at: 1 }, { expireAfterSeconds: 5 }));
  assert.deepEqual((await people.indexes()).map(index => index.name), ['_id_', 'email']);
  await people.dropIndex('email');
  await people.insertOne({ _id: new ObjectId(), email: 'a' });
  await people.rename('persons');
  assert.deepEqual((await db.listCollections({ name: 'persons' }).toArray()).map(c => c.name), ['persons']);
  assert.equal(await db.collection('persons').drop(), true);
  await fails(48, db.createCollection('orders'));
});

step('takes unacknowledged writes', async () => {
  await orders.insertOne({ _id: 'fire and forget' }, { writeConcern: { w: 0 } });
  for (let i = 0; i < 1000 && !(await orders.findOne({ _id: 'fire and forget' })); i++);
  assert.ok(await orders.findOne({ _id: 'fire and forget' }));
});

let failed = 0;
try {
  await db.dropDatabase();
  for (const { name, run } of steps) {
    try {
      await run();
      console.log(`ok - ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok - ${name}\n${error.stack}`);
    }
  }
  await db.dropDatabase();
} finally {
  await client.close();
}
process.exitCode = failed ? 1 : 0;
