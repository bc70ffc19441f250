namespace Shop.Commands.Deciding;

/// <summary>Section <c>Shop:Intake</c>.</summary>
internal sealed class IntakeOptions
{
    public const string Section = "Shop:Intake";

    /// <summary>Commands waiting, at most: the default is about a second of work. Beyond it the answer is 503.</summary>
    public int Capacity { get; set; } = 16_384;
}
