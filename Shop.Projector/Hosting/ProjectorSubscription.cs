namespace Shop.Projector.Hosting;

/// <summary>Where the projector's events come from; an <c>EntityPath</c> in the connection string overrides both.</summary>
public static class ProjectorSubscription
{
    public const string Topic = "shop-events";
    public const string Name = "projector";
}
