using Shop.Projector;

await ProjectorApp.Build(args).RunAsync();
