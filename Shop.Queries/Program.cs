using Shop.Queries;

await QueriesApp.Build(args).RunAsync();
