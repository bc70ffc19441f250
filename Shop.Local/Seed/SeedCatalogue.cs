namespace Shop.Local.Seed;

/// <summary>The words that the generated shop is made of; invented for it.</summary>
internal static class SeedCatalogue
{
    public static readonly string[] FirstNames =
    [
        "Ada", "Alma", "Amir", "Anja", "Beatriz", "Bruno", "Carmen", "Chidi", "Clara", "Dmitri", "Elif", "Emil", "Farah", "Felix", "Grete", "Hana", "Henrik", "Ines",
        "Ivo", "Jana", "Joon", "Kenji", "Lars", "Leila", "Lucía", "Magnus", "Maya", "Mikko", "Nadia", "Noor", "Olga", "Oscar", "Paulo", "Priya", "Quentin", "Rosa",
        "Samir", "Sofia", "Tomás", "Vera", "Wanda", "Xenia", "Yusuf", "Zoë",
    ];

    public static readonly string[] LastNames =
    [
        "Abara", "Andersson", "Baumann", "Bianchi", "Castillo", "Demir", "Dubois", "Eriksen", "Fischer", "Fonseca", "García", "Haddad", "Hoffmann", "Ivanova", "Jansen",
        "Kaya", "Kowalski", "Kumar", "Laurent", "Lindqvist", "Mbeki", "Moreau", "Müller", "Nakamura", "Novák", "O'Brien", "Okafor", "Pereira", "Petrov", "Quist",
        "Rahman", "Rossi", "Sato", "Silva", "Smith", "Tanaka", "Umarov", "Varga", "Weiss", "Yılmaz", "Zhang",
    ];

    /// <summary>Name and catalogue price.</summary>
    public static readonly (string Name, decimal Price)[] Products =
    [
        ("Oak desk, 140 cm", 289.00m), ("Oak desk, 180 cm", 349.00m), ("Desk lamp, brass", 64.90m), ("Desk lamp, black", 59.90m), ("Swivel chair", 199.00m),
        ("Footrest", 34.50m), ("Monitor arm", 89.00m), ("Cable tray", 18.90m), ("Notebook A5, dotted", 7.95m), ("Notebook A4, ruled", 9.95m), ("Fountain pen", 42.00m),
        ("Ink, midnight blue", 11.50m), ("Pencils, box of 12", 8.40m), ("Eraser, soft", 1.20m), ("Paper, 500 sheets", 5.75m), ("Stapler", 14.30m), ("Hole punch", 16.80m),
        ("Letter tray", 12.60m), ("Wall clock", 38.00m), ("Pinboard, cork", 27.40m), ("Whiteboard, 90 x 60", 46.20m), ("Marker set", 13.10m), ("Bookend, pair", 19.90m),
        ("Shelf, 80 cm", 54.00m), ("Storage box", 15.25m), ("Filing cabinet", 179.00m), ("Waste paper basket", 22.70m), ("Coat hook", 9.80m), ("Umbrella stand", 44.60m),
        ("Door mat", 24.90m), ("Plant pot, clay", 13.75m), ("Watering can", 21.30m), ("Teapot, 1 litre", 36.40m), ("Mug, stoneware", 12.90m), ("Coffee grinder", 58.00m),
        ("Carafe, glass", 26.50m), ("Tray, bamboo", 17.60m), ("Throw, wool", 79.00m), ("Cushion, linen", 32.80m), ("Candle, beeswax", 10.40m),
    ];
}
