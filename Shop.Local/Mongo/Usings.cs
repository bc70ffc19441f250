// Every part of the store works on BSON values.
global using MongoDB.Bson;
global using Shop.Local.Mongo.Documents;
global using Shop.Local.Mongo.Storage;
[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Shop.Tests")]
