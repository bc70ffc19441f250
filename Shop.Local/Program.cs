using Shop.Local.Verbs;

using var stop = new StopSignals();
return await ShopCommandLine.RunAsync(args, stop.Token);
