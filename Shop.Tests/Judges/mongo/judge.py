"""Judges a store with pymongo: python3 judge.py CONNECTION_STRING. Exit code 0 when every step holds."""
import datetime
import sys
import traceback

import pymongo
from bson import Decimal128, Int64, ObjectId, Regex
from pymongo import ASCENDING, DESCENDING, MongoClient, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, WriteError

client = MongoClient(sys.argv[1], serverSelectionTimeoutMS=5000)
db = client.judge_python
orders = db.orders
steps = []


def step(run):
    steps.append(run)
    return run


def fails(code, action):
    try:
        action()
    except OperationFailure as error:
        assert error.code == code, f"expected {code}, got {error.code}: {error}"
        return error
    raise AssertionError(f"expected error {code}, but it succeeded")


@step
def says_hello():
    assert client.admin.command("ping")["ok"] == 1
    assert client.server_info()["version"]
    assert "judge_python" not in client.list_database_names()


@step
def stores_every_type_and_sorts_across_types():
    values = [None, -1.5, 3, Int64(1 << 40), Decimal128("12345678901234567890.1234"), "text", {"a": 1}, b"bytes", ObjectId(), False, True,
              datetime.datetime(2024, 1, 1), Regex("^a", "i")]
    db.types.insert_many([{"_id": i, "v": v} for i, v in reversed(list(enumerate(values)))])
    found = list(db.types.find().sort("v", ASCENDING))
    assert [d["_id"] for d in found] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], found
    assert [d["v"] for d in found] == values
    fails(2, lambda: db.types.count_documents({"v": {"$type": "number"}}))


@step
def tells_null_from_missing():
    db.nulls.insert_many([{"_id": 1, "v": None}, {"_id": 2}, {"_id": 3, "v": 0}, {"_id": 4, "v": []}])
    assert sorted(d["_id"] for d in db.nulls.find({"v": None})) == [1, 2]
    assert sorted(d["_id"] for d in db.nulls.find({"v": {"$exists": False}})) == [2]
    assert sorted(d["_id"] for d in db.nulls.find({"v": {"$ne": None}})) == [3, 4]
    db.nulls.create_index("v")
    assert sorted(d["_id"] for d in db.nulls.find({"v": None})) == [1, 2]
    assert [d["_id"] for d in db.nulls.find().sort([("v", 1), ("_id", 1)])] == [4, 1, 2, 3]


@step
def queries_arrays():
    db.arrays.insert_many([
        {"_id": 1, "n": [1, 5, 9], "d": [{"k": "a", "q": 1}, {"k": "b", "q": 9}]},
        {"_id": 2, "n": [4, 6], "d": [{"k": "a", "q": 9}]},
        {"_id": 3, "n": 5, "d": []}])
    ids = lambda query: [d["_id"] for d in db.arrays.find(query).sort("_id", 1)]
    for _ in range(2):
        assert ids({"n": 5}) == [1, 3]
        assert ids({"n": {"$gt": 6, "$lt": 9}}) == [1]
        assert ids({"n": {"$elemMatch": {"$gt": 5, "$lt": 9}}}) == [2]
        assert ids({"d.k": "a", "d.q": 9}) == [1, 2]
        assert ids({"d": {"$elemMatch": {"k": "a", "q": 9}}}) == [2]
        assert ids({"n": {"$all": [1, 9]}}) == [1]
        assert ids({"n": {"$size": 2}}) == [2]
        assert ids({"d.0.k": "a"}) == [1, 2]
        assert ids({"n": [4, 6]}) == [2]
        assert ids({"n": {"$not": {"$gt": 5}}}) == [3]
        db.arrays.create_index("n")
        db.arrays.create_index([("d.k", 1), ("d.q", -1)])


@step
def writes_in_bulk():
    result = orders.bulk_write([UpdateOne({"_id": i, "version": {"$lt": 3}}, {"$set": {"version": 3, "total": Decimal128("10.50")}}, upsert=True) for i in range(1000)], ordered=False)
    assert result.upserted_count == 1000
    try:
        orders.bulk_write([ReplaceOne({"_id": 1, "version": {"$lt": 3}}, {"version": 3}, upsert=True), ReplaceOne({"_id": 2, "version": {"$lt": 4}}, {"version": 4}, upsert=True)], ordered=False)
        raise AssertionError("a stale guarded upsert must answer 11000")
    except BulkWriteError as error:
        assert [e["code"] for e in error.details["writeErrors"]] == [11000]
        assert error.details["writeErrors"][0]["keyPattern"] == {"_id": 1}
        assert error.details["writeErrors"][0]["keyValue"] == {"_id": 1}
        assert error.details["nModified"] == 1
    assert orders.find_one({"_id": 2})["version"] == 4


@step
def refuses_with_codes():
    try:
        orders.insert_one({"_id": 1})
        raise AssertionError("a duplicate was accepted")
    except DuplicateKeyError as error:
        assert error.code == 11000
    fails(9, lambda: orders.update_one({}, {"$set": {"a": 1}}, array_filters=[{"x": 1}]))
    fails(9, lambda: orders.update_one({}, {"$nonsense": {"a": 1}}))
    fails(28, lambda: orders.update_one({"_id": 1}, {"$set": {"version.x": 1}}))
    fails(14, lambda: orders.update_one({"_id": 1}, {"$inc": {"version": "1"}}))
    fails(115, lambda: list(orders.find({}, collation={"locale": "de"})))
    fails(2, lambda: list(orders.find({"$where": "true"})))
    fails(26, lambda: db.nothing.rename("other"))


@step
def uses_sessions_and_write_concerns():
    with client.start_session() as session:
        orders.insert_one({"_id": "s"}, session=session)
        assert orders.find_one({"_id": "s"}, session=session)
    for concern in (pymongo.WriteConcern(w="majority"), pymongo.WriteConcern(w=1, j=True)):
        orders.with_options(write_concern=concern).update_one({"_id": "s"}, {"$inc": {"n": 1}})
    assert orders.find_one({"_id": "s"})["n"] == 2


@step
def aggregates_and_counts():
    rows = list(orders.aggregate([{"$match": {"version": {"$gte": 3}}}, {"$group": {"_id": "$version", "n": {"$sum": 1}, "total": {"$sum": "$total"}}}, {"$sort": {"_id": ASCENDING}}]))
    assert [(r["_id"], r["n"]) for r in rows] == [(3, 999), (4, 1)], rows
    assert rows[0]["total"] == Decimal128("10489.50"), rows[0]
    assert orders.find_one(sort=[("version", DESCENDING)])["version"] == 4
    assert len(list(orders.find(batch_size=7))) == 1001


@step
def explains():
    assert "IDHACK" in str(orders.find({"_id": 5}).explain()["queryPlanner"])
    db.nulls.create_index([("a", 1), ("b", -1)], name="ab")
    assert "ab" in str(db.nulls.find({"a": 1}).sort("b", -1).explain()["queryPlanner"]["winningPlan"])


failed = 0
client.drop_database("judge_python")
for run in steps:
    try:
        run()
        print(f"ok - {run.__name__.replace('_', ' ')}")
    except Exception:
        failed += 1
        print(f"not ok - {run.__name__.replace('_', ' ')}")
        traceback.print_exc(file=sys.stdout)
client.drop_database("judge_python")
client.close()
sys.exit(1 if failed else 0)
