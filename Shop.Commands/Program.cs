using Shop.Commands;

if (args is ["migrate", .. var rest]) await CommandsApp.MigrateAsync(rest);
else await CommandsApp.Build(args).RunAsync();
