using System.Runtime.InteropServices;
using Shop.Local.Mongo;
using Shop.Local.ServiceBus;

using var stopping = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

if (args is ["servicebus", .. var servicebus]) return await ServiceBusVerb.RunAsync(servicebus, stopping.Token);
if (args is ["mongo", .. var mongo]) return await MongoVerb.RunAsync(mongo, stopping.Token);
Console.WriteLine("usage: shop VERB");
return 1;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stopping.Cancel();
}
