using Shop.Queries.Consistency;
using Shop.Queries.Customers;
using Shop.Queries.Http;
using Shop.Queries.Orders;
using Shop.Queries.Products;
using Shop.ServiceDefaults;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries;

/// <summary>The read side's process: it reads documents that a projector has written, and writes none.</summary>
public static class QueriesApp
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.AddReadModels();
        builder.Services.AddExceptionHandler<StoreOutage>();
        builder.Services.AddSingleton<LiveReadModel>();
        builder.Services.AddSingleton<SeenWait>();
        builder.Services.AddSingleton<CursorKey>();
        builder.Services.AddSingleton<LiveOrders>();
        builder.Services.AddHostedService(services => services.GetRequiredService<LiveOrders>());

        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapDefaultEndpoints();
        app.MapGetOrder();
        app.MapGetOrderHistory();
        app.MapGetLiveOrders();
        app.MapGetCustomer();
        app.MapGetBestSellers();
        return app;
    }
}
