using Shop.Queries.Consistency;
using Shop.Queries.Customers;
using Shop.Queries.Dashboard;
using Shop.Queries.Http;
using Shop.Queries.Orders;
using Shop.Queries.Pipeline;
using Shop.Queries.Products;
using Shop.ServiceDefaults;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries;

/// <summary>The read side's process: it reads documents that a projector has written, and writes none.</summary>
public static class QueriesApp
{
    public static WebApplication Build(string[] args)
    {
        var builder = ServiceDefaults.ServiceDefaults.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.AddReadModels();
        builder.Services.AddExceptionHandler<StoreOutage>();
        builder.Services.AddSingleton<LiveReadModel>();
        builder.Services.AddSingleton<SeenWait>();
        builder.Services.AddSingleton<CursorKey>();
        builder.Services.AddSingleton<OrderLookup>();
        builder.Services.AddHostedService(services => services.GetRequiredService<OrderLookup>());
        builder.Services.AddSingleton<LiveOrders>();
        builder.Services.AddHostedService(services => services.GetRequiredService<LiveOrders>());
        builder.AddPipeline();
        builder.Services.AddHttpForwarderWithServiceDiscovery();
        builder.Services.AddSingleton<ForwardCommand>();
        builder.Services.AddSingleton<DashboardPage>();

        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use((context, next) =>
        {
            // What is not called a script is never run as one, and no other site embeds an answer.
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
            return next(context);
        });
        app.MapDefaultEndpoints();
        app.MapGetOrder();
        app.MapGetOrderHistory();
        app.MapGetLiveOrders();
        app.MapGetCustomer();
        app.MapFindCustomers();
        app.MapGetBestSellers();
        app.MapFindProducts();
        app.MapGetPipeline();
        app.Services.GetRequiredService<ForwardCommand>().Map(app);
        app.Services.GetRequiredService<DashboardPage>().Map(app);
        return app;
    }
}
