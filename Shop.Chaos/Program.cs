using Shop.Chaos;

return await ChaosCommandLine.RunAsync(args);
