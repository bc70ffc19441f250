namespace Shop.Local.Supervision;

public static class PartNames
{
    /// <summary>The name a person reads.</summary>
    public static string Of(Part part) => part switch
    {
        Part.Postgres => "PostgreSQL",
        Part.Broker => "broker",
        Part.Store => "store",
        Part.Commands => "Shop.Commands",
        Part.Queries => "Shop.Queries",
        Part.Projector => "Shop.Projector",
        _ => part.ToString(),
    };
}
