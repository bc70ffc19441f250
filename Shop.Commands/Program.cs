using Shop.Commands;

if (args is ["migrate", .. var rest]) return await CommandsApp.MigrateAloneAsync(rest, Console.Error);
await CommandsApp.Build(args).RunAsync();
return 0;
