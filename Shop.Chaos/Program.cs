using Shop.Chaos;
using Shop.Local.Supervision;

ShortLivedProcesses.Expect();
return await ChaosCommandLine.RunAsync(args);
